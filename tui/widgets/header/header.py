"""The lines on top of every screen."""

from textual.widgets import Static

from backend.readmodel.snapshot import Snapshot
from tui.looks import ROLES
from tui.text import Text
from tui.widgets.header.lines import Colours, header_lines
from tui.widgets.presence import on_screen
from tui.widgets.roles import badge_style, role_style


class Header(Static):
    """Workers, capacity, counts, anomalies and health of the latest snapshot."""

    COMPONENT_CLASSES = {f"header--{role}" for role in (*ROLES, "alarm")}  # noqa: RUF012 (as Textual declares it)

    def __init__(self, *, read_only: bool = False, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._snapshot = Snapshot()
        self._read_only = read_only
        self._stale = False
        self._said = Text()

    def show(self, snapshot: Snapshot) -> None:
        """Show another snapshot."""
        self._snapshot = snapshot
        self._draw()

    def age(self, stale: bool) -> None:
        """Say whether what is shown is of the past."""
        self._stale = stale
        self._draw()

    def on_resize(self) -> None:
        """Lay the lines out anew."""
        self._draw()

    def notify_style_update(self) -> None:
        """Draw anew in another theme."""
        super().notify_style_update()
        if on_screen(self):
            self._draw()

    def _draw(self) -> None:
        styles = {role: self._style(role) for role in (*ROLES, "alarm")}
        lines = header_lines(
            self._snapshot, self.size.width or 80, Colours(styles), read_only=self._read_only, stale=self._stale
        )
        said = Text("\n").join(lines)
        if said != self._said:
            self._said = said
            self.update(said, layout=False)

    def _style(self, role: str) -> str:
        make = badge_style if role == "alarm" else role_style
        return str(make(self, f"header--{role}"))

"""The screens with their keys, the one that is open marked; a click opens another."""

from collections.abc import Sequence

from textual import events
from textual.widgets import Static

from backend.readmodel.snapshot import Snapshot
from tui.looks import ANOMALY_GLYPH
from tui.screens.table import SCREENS, Entry
from tui.text import Text
from tui.widgets.presence import on_screen
from tui.widgets.roles import badge_style, role_style


class Tabs(Static):
    """One line over the body of every screen."""

    COMPONENT_CLASSES = {"tabs--open", "tabs--key", "tabs--alarm"}  # noqa: RUF012 (as Textual declares it)

    def __init__(self, name: str) -> None:
        super().__init__("")
        self._open = name
        self._anomalies = 0

    def on_mount(self) -> None:
        """Show the names before any data have come."""
        self._draw()

    def show(self, snapshot: Snapshot) -> None:
        """Say how many anomalies there are."""
        if len(snapshot.anomalies) != self._anomalies:
            self._anomalies = len(snapshot.anomalies)
            self._draw()

    def notify_style_update(self) -> None:
        """Draw anew in another theme."""
        super().notify_style_update()
        if on_screen(self):
            self._draw()

    async def on_click(self, event: events.Click) -> None:
        """Open the screen that was clicked."""
        at = 0
        for entry, tab in zip(SCREENS, self._tabs(), strict=True):
            if at <= event.x < at + tab.cell_len:
                await self.run_action(f"app.go('{entry.name}')")
            at += tab.cell_len

    def _draw(self) -> None:
        self.update(Text("", no_wrap=True).join(self._tabs()), layout=False)

    def _tabs(self) -> list[Text]:
        alarm, key = role_style(self, "tabs--alarm"), role_style(self, "tabs--key")
        return tabs(SCREENS, self._open, self._anomalies, badge_style(self, "tabs--open"), alarm, key)


def tabs(
    entries: Sequence[Entry], opened: str, anomalies: int, open_style: object, alarm: object, key: object
) -> list[Text]:
    """Return `` 1 Jobs  2 Orphans ⚠ 3 `` in parts; the open one is bracketed, so that it shows without colour."""
    return [_tab(entry, entry.name == opened, anomalies, str(open_style), str(alarm), str(key)) for entry in entries]


def _tab(entry: Entry, is_open: bool, anomalies: int, open_style: str, alarm: str, key: str) -> Text:
    left, right = ("[", "]") if is_open else (" ", " ")
    text = Text.assemble(left, (entry.key, "" if is_open else key), f" {entry.title}")
    if entry.name == "orphans" and anomalies:
        text.append(f" {ANOMALY_GLYPH} {anomalies:,}", style="" if is_open else alarm)
    text.append(right)
    if is_open:
        text.stylize(open_style)
    return text

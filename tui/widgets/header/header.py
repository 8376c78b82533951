"""The lines on top of every screen, with the one for alerts and the one for data that are not the present."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from textual.message import Message
from textual.widgets import Static

from jobwarden.backend.domain.units import counted
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.messages import on_screen
from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import ANOMALY_GLYPH, ROLES, badge_style, role_style
from jobwarden.tui.widgets.header.render import Colours, banner, header_lines, is_stale


def alert_line(snapshot: Snapshot) -> str:
    """Return what the line says; empty while no alert is open.

    >>> alert_line(Snapshot())
    ''
    """
    if not snapshot.alerts:
        return ""
    newest, number = snapshot.alerts[-1], len(snapshot.alerts)
    many = counted(number, "alert") + (", newest" if number > 1 else "")
    where = f"{', ' if number == 1 else ' '}on {newest.subject}" if newest.subject else ""
    return f" {ANOMALY_GLYPH} {many}{where}: {newest.message}"


class AlertLine(Static):
    """Hidden while no alert is open."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._said = ""
        self.display = False

    def show(self, snapshot: Snapshot) -> None:
        """Say what is open in another snapshot; drawn only when that is something else."""
        said = alert_line(snapshot)
        if said != self._said:
            self._said = said
            self.display = bool(said)
            self.update(Text(said, no_wrap=True, overflow="ellipsis"), layout=False)


# The lines on top of every screen.


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


# One line that appears when what is shown is not the present.


class Banner(Static):
    """Hidden while all is well; counts down to the next attempt while a server is away."""

    @dataclass
    class Aged(Message):
        """What is shown is of the past from now on, or is the present again."""

        stale: bool

    def __init__(self, clock: Callable[[], datetime], *, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._clock = clock
        self._snapshot = Snapshot()
        self._said = ""
        self._stale = False
        self.display = False

    def on_mount(self) -> None:
        """Count the seconds."""
        self.set_interval(0.5, self._draw)

    def show(self, snapshot: Snapshot) -> None:
        """Judge another snapshot."""
        self._snapshot = snapshot
        self._draw()

    def _draw(self) -> None:
        taken = self._snapshot.taken_at
        age = None if taken is None else (self._clock() - taken).total_seconds()
        stale, said = is_stale(self._snapshot, age), banner(self._snapshot, age, time.monotonic())
        if stale != self._stale:
            self._stale = stale
            self.post_message(self.Aged(stale))
        if said != self._said:
            self._said = said
            self.display = bool(said)
            self.update(Text(f" ⚠ {said}", no_wrap=True), layout=False)

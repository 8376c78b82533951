"""The list of jobs: the virtual table over the read model's window."""

from collections.abc import Callable
from datetime import datetime

from rich.segment import Segment
from textual.strip import Strip

from backend.readmodel.records import JobRow
from backend.readmodel.window import Window
from tui.widgets.jobs.columns import JOB_COLUMNS
from tui.widgets.jobs.empty import nothing_to_show
from tui.widgets.roles import role_style
from tui.widgets.table.virtual import VirtualTable

TICKS_EACH_SECOND = 90
"""Seconds of age up to which a job that does not run is drawn anew every second."""


class JobTable(VirtualTable[JobRow]):
    """Newest jobs first; says what to do when there is nothing to list."""

    def __init__(self, clock: Callable[[], datetime], *, id: str | None = None) -> None:
        super().__init__(JOB_COLUMNS, Window(), clock, id=id)
        self.window = Window()

    def show(self, window: Window) -> None:
        """Show what the read model delivers; another filter begins at the top."""
        other = window.query != self.window.query
        self.window = window
        if other:
            self.following = True
        self.apply(window)

    def tick(self, row: JobRow, now: datetime) -> int:
        """A job that runs ticks by the second, any other by the minute once it is older."""
        seconds = int(now.timestamp())
        old = (now - row.submit_time).total_seconds() > TICKS_EACH_SECOND
        return seconds // 60 if old and (row.start_time is None or row.end_time is not None) else seconds

    def blank(self, y: int, width: int, *, loading: bool) -> Strip:
        """Draw the message for an empty list, centred in the upper half."""
        if self.window.rows or loading:
            return super().blank(y, width, loading=loading)
        lines = nothing_to_show(self.window)
        index = y - max(0, (self.page - len(lines)) // 3)
        text, role = lines[index] if 0 <= index < len(lines) else ("", "dim")
        style = self.rich_style + role_style(self, f"table--{role}")
        return Strip([Segment(text.center(width)[:width], style)], width)

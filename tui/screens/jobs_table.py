"""The list of jobs: the virtual table over the window of the job feed, and what it says when it is empty."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from jobwarden.backend.queries.models.job_window import JobWindow
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.tui.columns.jobs import JOB_COLUMNS
from jobwarden.tui.widgets.table.bar import could_not_run, none_matches
from jobwarden.tui.widgets.table.cursor import Message_
from jobwarden.tui.widgets.table.marks import BarStatus, Marks
from jobwarden.tui.widgets.table.rows import Sort
from jobwarden.tui.widgets.table.virtual import VirtualTable

# What the list of jobs says when it has nothing to list.


def nothing_to_show(window: JobWindow) -> Message_:
    """Return the lines to show: loading, a filter that failed or matches nothing, or no job at all."""
    if not window.loaded:
        return [("loading jobs …", "dim")]
    if window.error:
        return could_not_run(window.error)
    if window.query.filter:
        return none_matches("job", window.query.filter)
    return [
        ("no jobs yet", "plain"),
        ("", "dim"),
        ("submit one from another terminal:", "dim"),
        ("", "dim"),
        ("jobwarden submit job.sh", "good"),
        ("echo 'sleep 60' | jobwarden submit - --name nap", "good"),
    ]


NEWEST = Sort("id", descending=True)
"""The order until another is chosen."""
TICKS_EACH_SECOND = 90
"""Seconds of age up to which a job that does not run is drawn anew every second."""


class JobTable(VirtualTable[JobRow]):
    """Newest jobs first; says what to do when there is nothing to list."""

    def __init__(self, clock: Callable[[], datetime], *, id: str | None = None) -> None:
        super().__init__(JOB_COLUMNS, JobWindow(), clock, id=id)
        self.window = JobWindow()
        self.sort = NEWEST
        self._awaited: tuple[str, Sort | None] | None = None

    @property
    def filter(self) -> str:
        """The filter of the list, which stands for all its rows."""
        return self.window.query.filter

    @property
    def asked_filter(self) -> str:
        """The filter that was asked for last, whether its list has come or not."""
        return self.window.query.filter if self._awaited is None else self._awaited[0]

    def expect(self, filter_text: str) -> None:
        """Say that another list was asked for, until it comes; nothing comes of the one that is there."""
        asked = (filter_text, self.sort)
        self._awaited = None if asked == self._shown() else asked
        self.changed()

    def _shown(self) -> tuple[str, Sort]:
        query = self.window.query
        return query.filter, Sort(query.order.column, query.order.descending)

    def show(self, window: JobWindow) -> None:
        """Show what the read model delivers; another filter begins at the top."""
        other = window.query != self.window.query
        self.window = window
        self.waiting = window.waiting
        self.pending = window.pending
        if other:
            self.following = True
            self.forget_widths()
            self.sort = self._shown()[1]
        if self._awaited == self._shown():
            self._awaited = None
        if self.marks.everything and self.marks.filter != window.query.filter:
            self.set_marks(Marks())
        self.apply(window)

    def tick(self, row: JobRow, now: datetime) -> int:
        """A job that runs ticks by the second, any other by the minute once it is older."""
        seconds = int(now.timestamp())
        old = (now - row.submit_time).total_seconds() > TICKS_EACH_SECOND
        return seconds // 60 if old and (row.start_time is None or row.end_time is not None) else seconds

    def nothing(self) -> list[tuple[str, str]]:
        """Say why there is no job to list."""
        return nothing_to_show(self.window)

    def status(self) -> BarStatus:
        """Return what the line over the table says."""
        window = self.window
        sort = "" if self.sort == NEWEST else super().status().sort
        return replace(
            super().status(),
            sort=sort,
            reading=self._awaited is not None,
            loaded=window.loaded,
            exact=window.at_bottom or window.at_top,
        )

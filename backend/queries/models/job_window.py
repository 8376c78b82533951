"""The stretch of the job list around what is on screen, and how much of what changes it may show. Records only.

Line numbers count from the first row of the list (line 0). Rows are contiguous and in the order of the query. A window
knows exactly whether it touches the top or the bottom; in between, ``first`` may be off by what happened elsewhere,
which only moves the scroll bar: whoever shows the rows holds on to a job id, not to a line number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.backend.queries.models.sort import NEWEST, Order, SortPosition, downward, position

# How much of what changes a list may show while somebody reads it.


class Hold(IntEnum):
    """A higher level holds back more."""

    NONE = 0
    """Everything is shown as it comes."""
    ORDER = 1
    """Rows change where they stand; none comes, goes or moves. For the moments in which the cursor moves."""
    ALL = 2
    """Nothing changes until it is released; changes are counted."""


@dataclass(frozen=True, slots=True)
class Query:
    """A filter as typed, with the SQL condition it stands for, and the order of the list."""

    filter: str = ""
    where: str = "true"
    params: Mapping[str, Any] = field(default_factory=dict)
    order: Order = NEWEST


EVERY_JOB = Query()


@dataclass(frozen=True, slots=True)
class JobWindow:
    """Rows ``first`` to ``first + len(rows)`` of ``total`` matching jobs, immutable."""

    query: Query = EVERY_JOB
    rows: tuple[JobRow, ...] = ()
    first: int = 0
    total: int = 0
    at_top: bool = True
    at_bottom: bool = True
    newest: int = 0
    """Highest matching job id seen, also when it is above this stretch."""
    loaded: bool = False
    error: str = ""
    pending: int = 0
    """Changed jobs that are held back."""
    waiting: Mapping[int, str] = field(default_factory=dict)
    """Why each PENDING job of the stretch waits."""

    @property
    def end(self) -> int:
        """Line after the last row."""
        return self.first + len(self.rows)

    def row_at(self, line: int) -> JobRow | None:
        """Return the job on a line, None when it is outside of what is loaded."""
        index = line - self.first
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def line_of(self, job_id: int) -> int | None:
        """Return the line of a job, None when it is not loaded."""
        for index, row in enumerate(self.rows):
            if row.id == job_id:
                return self.first + index
        return None

    def place(self, row: JobRow) -> SortPosition:
        """Return where a row stands in the order of this list."""
        return position(row, self.query.order)


def in_order(query: Query, rows: Iterable[JobRow]) -> tuple[JobRow, ...]:
    """Sort rows as the list is sorted."""
    order = query.order
    return tuple(sorted(rows, key=lambda row: position(row, order), reverse=downward(order)))


def within(window: JobWindow, row: JobRow) -> bool:
    """Whether a row belongs between the first and the last row of the stretch, or beyond an end that is the list's."""
    if not window.rows:
        return True
    at, top, bottom = window.place(row), window.place(window.rows[0]), window.place(window.rows[-1])
    above, below = (at > top, at < bottom) if downward(window.query.order) else (at < top, at > bottom)
    return (window.at_top or not above) and (window.at_bottom or not below)


def merge(window: JobWindow, changed: Iterable[JobRow], left: Iterable[JobRow] = ()) -> JobWindow:
    """Put changed rows in their places and take out those that no longer match. Same rows, same window."""
    held = {row.id: row for row in window.rows}
    was = len(held)
    moved = False
    for row in changed:
        if held.get(row.id) == row:
            continue
        moved = True
        if within(window, row):
            held[row.id] = row
        else:
            held.pop(row.id, None)
    for job_id in {row.id for row in left} & held.keys():
        del held[job_id]
        moved = True
    if not moved:
        return window
    rows = in_order(window.query, held.values())
    total = max(window.total + len(rows) - was, window.first + len(rows))
    return replace(window, rows=rows, total=total, newest=max((window.newest, *held)))


def merge_in_place(window: JobWindow, changed: Iterable[JobRow]) -> JobWindow:
    """Show rows as they are now where they stand: none comes, goes or moves."""
    fresh = {row.id: row for row in changed}
    rows = tuple(fresh.get(row.id, row) for row in window.rows)
    return window if rows == window.rows else replace(window, rows=rows)


def displaced(window: JobWindow, changed: Iterable[JobRow], left: Iterable[JobRow], hold: Hold) -> set[int]:
    """Return the ids of changed jobs that a list which is held back does not show as and where they are."""
    shown = {row.id: row for row in window.rows}
    gone = {row.id for row in left} & shown.keys()
    if hold is Hold.ALL:
        return gone | {row.id for row in changed if shown.get(row.id) != row}
    return gone | {row.id for row in changed if row.id not in shown or window.place(row) != window.place(shown[row.id])}


def with_total(window: JobWindow, total: int) -> JobWindow:
    """Take over a fresh count of the matching jobs; what is known exactly is not overruled."""
    if window.at_bottom:
        total = window.end
    return replace(window, total=max(total, window.end + (not window.at_bottom)))

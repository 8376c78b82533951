"""The stretch of the job list around what is on screen, kept by key so that it never grows with the table.

Line numbers count from the newest matching job (line 0). Rows are contiguous and newest first. A window knows exactly
whether it touches the top or the bottom; in between, ``first`` may be off by what happened elsewhere, which only
moves the scroll bar: whoever shows the rows holds on to a job id, not to a line number.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from backend.readmodel import jobs
from backend.readmodel.jobs import EVERY_JOB, Query
from backend.readmodel.records import JobRow

PAGE = 200
"""Rows fetched at once, and kept ready on each side of the screen."""
CHANGES_AT_ONCE = 1000
"""More changed rows than this in one stretch and it is read again instead."""


@dataclass(frozen=True, slots=True)
class Window:
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


def open_top(conn: Connection, query: Query) -> Window:
    """Read the newest jobs that match."""
    rows, more = _page(conn, query, PAGE * 2)
    return _settle(Window(query=query, loaded=True), rows, at_top=True, at_bottom=not more)


def open_bottom(conn: Connection, query: Query, total: int) -> Window:
    """Read the oldest jobs that match; ``total`` is how many there are as far as known."""
    rows, more = _page(conn, query, PAGE * 2, above=0)
    window = Window(query=query, first=max(0, total - len(rows)), total=total, loaded=True)
    return _settle(window, rows, at_top=not more, at_bottom=True)


def look(conn: Connection, window: Window, first: int, last: int) -> Window:
    """Return a window that holds the lines ``first`` to ``last`` and a page on each side, where there are any."""
    if last < window.first - PAGE or first > window.end + PAGE:
        return _jump(conn, window, first)
    if first - PAGE // 2 < window.first and not window.at_top:
        window = _extend_up(conn, window)
    if last + PAGE // 2 > window.end and not window.at_bottom:
        window = _extend_down(conn, window)
    return _trim(window, first, last)


def refresh(conn: Connection, window: Window, since: int) -> Window:
    """Merge what changed from transaction ``since`` on, and count what is new above."""
    if not window.rows:
        return open_top(conn, window.query)
    low = 0 if window.at_bottom else window.rows[-1].id
    high = jobs.TOP if window.at_top else window.rows[0].id
    changes = jobs.read_changes(conn, window.query, since, low=low, high=high, limit=CHANGES_AT_ONCE)
    if not changes.complete:
        return reread(conn, window)
    return merge(_count_above(conn, window), changes.rows, changes.left)


def reread(conn: Connection, window: Window) -> Window:
    """Read the same stretch again: sees also what left it without a change, as with ``age>1h`` or a deleted job."""
    if not window.rows:
        return open_top(conn, window.query)
    window = _count_above(conn, window)
    below = jobs.TOP if window.at_top else window.rows[0].id + 1
    rows, more = _page(conn, window.query, max(len(window.rows), PAGE * 2), below=below)
    return _settle(window, rows, at_top=window.at_top, at_bottom=not more)


def merge(window: Window, changed: Iterable[JobRow], left: frozenset[int] = frozenset()) -> Window:
    """Put changed rows in their places and take out those that no longer match. Same rows, same window."""
    held = {row.id: row for row in window.rows}
    was = len(held)
    moved = False
    for row in changed:
        if held.get(row.id) != row:
            held[row.id] = row
            moved = True
    for job_id in left & held.keys():
        del held[job_id]
        moved = True
    if not moved:
        return window
    rows = tuple(sorted(held.values(), key=lambda row: row.id, reverse=True))
    total = max(window.total + len(rows) - was, window.first + len(rows))
    newest = max(window.newest, rows[0].id) if rows else window.newest
    return replace(window, rows=rows, total=total, newest=newest)


def with_total(window: Window, total: int) -> Window:
    """Take over a fresh count of the matching jobs; what is known exactly is not overruled."""
    if window.at_bottom:
        total = window.end
    return replace(window, total=max(total, window.end + (not window.at_bottom)))


def _jump(conn: Connection, window: Window, first: int) -> Window:
    """Go to a far line: the ends exactly, in between by where the line lies among the ids."""
    if first < PAGE:
        return open_top(conn, window.query)
    if first >= window.total - PAGE * 2:
        return open_bottom(conn, window.query, window.total)
    low, high = jobs.id_range(conn)
    below = high - (high - low) * first // max(1, window.total)
    rows, more = _page(conn, window.query, PAGE * 2, below=below + 1)
    if not more:
        return open_bottom(conn, window.query, window.total)
    return _settle(replace(window, first=first), rows, at_top=False, at_bottom=False)


def _extend_up(conn: Connection, window: Window) -> Window:
    rows, more = _page(conn, window.query, PAGE, above=window.rows[0].id)
    window = replace(window, first=window.first - len(rows))
    return _settle(window, (*rows, *window.rows), at_top=not more, at_bottom=window.at_bottom)


def _extend_down(conn: Connection, window: Window) -> Window:
    rows, more = _page(conn, window.query, PAGE, below=window.rows[-1].id)
    return _settle(window, (*window.rows, *rows), at_top=window.at_top, at_bottom=not more)


def _page(
    conn: Connection, query: Query, limit: int, *, below: int = jobs.TOP, above: int = -1
) -> tuple[list[JobRow], bool]:
    """Read a page as read_page() does, and whether there is more behind it: one row more is asked for."""
    rows = jobs.read_page(conn, query, below=below, above=above, limit=limit + 1)
    if len(rows) <= limit:
        return rows, False
    return (rows[1:] if above >= 0 and below == jobs.TOP else rows[:-1]), True


def _trim(window: Window, first: int, last: int) -> Window:
    """Let go of what is more than two pages from the screen."""
    cut_top = max(0, first - PAGE * 2 - window.first)
    cut_end = max(0, window.end - (last + PAGE * 2))
    if cut_top < PAGE and cut_end < PAGE:
        return window
    rows = window.rows[cut_top : len(window.rows) - cut_end]
    return replace(
        window,
        rows=rows,
        first=window.first + cut_top,
        at_top=window.at_top and not cut_top,
        at_bottom=window.at_bottom and not cut_end,
    )


def _count_above(conn: Connection, window: Window) -> Window:
    """Shift the lines by the jobs that are new above a stretch that does not reach the top."""
    if window.at_top:
        return window
    newer, newest = jobs.count_newer(conn, window.query, above=window.newest)
    return replace(window, first=window.first + newer, total=window.total + newer, newest=max(newest, window.newest))


def _settle(window: Window, rows: Iterable[JobRow], *, at_top: bool, at_bottom: bool) -> Window:
    """Put rows into a window and correct the line numbers by the ends it touches."""
    kept = tuple(rows)
    first = 0 if at_top else max(1, window.first)
    end = first + len(kept)
    total = end if at_bottom else max(window.total, end + 1)
    newest = max(window.newest, kept[0].id) if kept else window.newest
    return replace(
        window, rows=kept, first=first, total=total, at_top=at_top, at_bottom=at_bottom, newest=newest, loaded=True
    )

"""Reads the stretch of the job list around what is on screen, by key, and counts what a paused list does not show."""

from dataclasses import replace

from jobwarden.backend.database.driver import Connection
from jobwarden.backend.queries import jobs
from jobwarden.backend.queries.jobs import Changes, ListStretch, Page
from jobwarden.backend.queries.models.job_window import (
    EVERY_JOB,
    Hold,
    JobWindow,
    Query,
    displaced,
    merge,
    merge_in_place,
    with_total,
)
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.backend.queries.models.sort import NEWEST

__all__ = ["EVERY_JOB", "JobWindow", "merge", "with_total"]

PAGE = 200
"""Rows fetched at once, and kept ready on each side of the screen."""
CHANGES_AT_ONCE = 1000
"""More changed rows than this in one stretch and it is read again instead."""


def open_top(conn: Connection, query: Query) -> JobWindow:
    """Read the first jobs of a list."""
    page = jobs.read_page(conn, query, PAGE * 2)
    return _settle(JobWindow(query=query, loaded=True), page.rows, at_top=True, at_bottom=not page.more)


def open_bottom(conn: Connection, query: Query, total: int) -> JobWindow:
    """Read the last jobs of a list; ``total`` is how many there are as far as known."""
    page = jobs.read_page(conn, query, PAGE * 2, backwards=True)
    window = JobWindow(query=query, first=max(0, total - len(page.rows)), total=total, loaded=True)
    return _settle(window, page.rows, at_top=not page.more, at_bottom=True)


def look(conn: Connection, window: JobWindow, first: int, last: int) -> JobWindow:
    """Return a window that holds the lines ``first`` to ``last`` and a page on each side, where there are any."""
    if last < window.first - PAGE or first > window.end + PAGE:
        return _jump(conn, window, first)
    if first - PAGE // 2 < window.first and not window.at_top:
        window = _extend_up(conn, window)
    if last + PAGE // 2 > window.end and not window.at_bottom:
        window = _extend_down(conn, window)
    return _trim(window, first, last)


def read_changes(conn: Connection, window: JobWindow, since: int) -> Changes:
    """Read what changed from transaction ``since`` on of what the window holds and of what belongs into it."""
    rows = window.rows
    top = None if window.at_top or not rows else window.place(rows[0])
    bottom = None if window.at_bottom or not rows else window.place(rows[-1])
    stretch = ListStretch([row.id for row in rows], top, bottom)
    return jobs.read_changes(conn, window.query, since, stretch, CHANGES_AT_ONCE)


def refresh(conn: Connection, window: JobWindow, since: int) -> JobWindow:
    """Merge what changed from transaction ``since`` on, and count what is new above."""
    if not window.rows:
        return _like(open_top(conn, window.query), window)
    changes = read_changes(conn, window, since)
    if not changes.complete:
        return reread(conn, window)
    return merge(_count_above(conn, window), changes.rows, changes.left)


def reread(conn: Connection, window: JobWindow) -> JobWindow:
    """Read the same stretch again: sees also what left it without a change, as with ``age>1h`` or a deleted job."""
    if not window.rows:
        return _like(open_top(conn, window.query), window)
    window = _count_above(conn, window)
    at = None if window.at_top else window.place(window.rows[0])
    page = jobs.read_page(conn, window.query, max(len(window.rows), PAGE * 2), at=at, inclusive=True)
    return _settle(window, page.rows, at_top=window.at_top, at_bottom=not page.more)


def _like(fresh: JobWindow, window: JobWindow) -> JobWindow:
    """An empty list that is read again keeps what was said of it."""
    return window if not fresh.rows and window.loaded and not window.error else fresh


def _jump(conn: Connection, window: JobWindow, first: int) -> JobWindow:
    """Go to a far line: the ends exactly, in between by a guess of what stands there."""
    if first < PAGE:
        return open_top(conn, window.query)
    if first >= window.total - PAGE * 2:
        return open_bottom(conn, window.query, window.total)
    at = jobs.guess_position(conn, window.query, first, window.total)
    if at is None:
        return open_top(conn, window.query)
    page = jobs.read_page(conn, window.query, PAGE * 2, at=at, inclusive=True)
    if not page.more:
        return open_bottom(conn, window.query, window.total)
    return _settle(replace(window, first=first), page.rows, at_top=False, at_bottom=False)


def _extend_up(conn: Connection, window: JobWindow) -> JobWindow:
    page = _next_to(conn, window, backwards=True)
    window = replace(window, first=window.first - len(page.rows))
    return _settle(window, (*page.rows, *window.rows), at_top=not page.more, at_bottom=window.at_bottom)


def _extend_down(conn: Connection, window: JobWindow) -> JobWindow:
    page = _next_to(conn, window, backwards=False)
    return _settle(window, (*window.rows, *page.rows), at_top=window.at_top, at_bottom=not page.more)


def _next_to(conn: Connection, window: JobWindow, *, backwards: bool) -> Page:
    """Read the page before or behind a window; a job that moved in between is not there twice."""
    at = window.place(window.rows[0 if backwards else -1]) if window.rows else None
    page = jobs.read_page(conn, window.query, PAGE, at=at, backwards=backwards)
    held = {row.id for row in window.rows}
    return Page(tuple(row for row in page.rows if row.id not in held), page.more)


def _trim(window: JobWindow, first: int, last: int) -> JobWindow:
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


def _count_above(conn: Connection, window: JobWindow) -> JobWindow:
    """Shift the lines by the jobs that are new above a stretch that does not reach the top.

    Only the newest-first list knows where new jobs come in; in others the line numbers stay the estimate they are.
    """
    if window.at_top or window.query.order != NEWEST:
        return window
    newer, newest = jobs.count_newer(conn, window.query, above=window.newest)
    return replace(window, first=window.first + newer, total=window.total + newer, newest=max(newest, window.newest))


def _settle(window: JobWindow, rows: tuple[JobRow, ...], *, at_top: bool, at_bottom: bool) -> JobWindow:
    """Put rows into a window and correct the line numbers by the ends it touches."""
    first = 0 if at_top else max(1, window.first)
    end = first + len(rows)
    total = end if at_bottom else max(window.total, end + 1)
    newest = max((window.newest, *(row.id for row in rows)))
    return replace(
        window, rows=rows, first=first, total=total, at_top=at_top, at_bottom=at_bottom, newest=newest, loaded=True
    )


# What a list that is held back does not show: which jobs changed, so that they can be counted and shown later.


class Holding:
    """Remembers the ids of the jobs whose changes are held back from one window."""

    def __init__(self) -> None:
        self._ids: set[int] = set()

    def forget(self) -> None:
        """Begin anew, with another list."""
        self._ids = set()

    def take(self, conn: Connection, window: JobWindow, since: int, hold: Hold) -> JobWindow:
        """Read what changed from transaction ``since`` on and show of it what may be shown."""
        changes = read_changes(conn, window, since)
        changed = (*changes.rows, *changes.left)
        self._ids -= {row.id for row in changed}
        self._ids |= displaced(window, changes.rows, changes.left, hold)
        if hold is Hold.ORDER:
            window = merge_in_place(window, changed)
        return replace(window, pending=len(self._ids))

    def release(self, conn: Connection, window: JobWindow, hold: Hold) -> JobWindow:
        """Show all that was held back, once nothing is held back any more."""
        if hold is not Hold.NONE or not self._ids:
            return window
        self._ids = set()
        return replace(reread(conn, window), pending=0)

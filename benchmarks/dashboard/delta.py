"""What a delta of 300 rows costs the thread that draws, whatever the number of jobs: without a terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from jobwarden.backend.database.driver import Engine
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries import job_window as windows
from jobwarden.backend.queries.models.job_window import EVERY_JOB, JobWindow
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.tui.app.gc_pauses import QUIET_SECONDS, GarbagePauses
from jobwarden.tui.app.main import JobwardenApp
from jobwarden.tui.screens.jobs_table import JobTable

CHANGED = 300
"""Rows of a delta."""
SIZE = (160, 48)
APART = 0.25
"""Seconds between two deltas, as in the program."""
FRAMES = 0.05
"""Seconds within which a change has long been painted."""


class Still:
    """A source that delivers nothing by itself: the measurement does."""

    def __init__(self, deliver: Callable[[News], None]) -> None:
        self.deliver = deliver

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def draw_deltas(engine: Engine, jobs: int, times: int) -> list[float]:
    """Seconds of processor time of each delta, from the message to the last line drawn."""
    with engine.connect() as conn:
        window = windows.with_total(windows.open_top(conn, EVERY_JOB), jobs)
    return asyncio.run(_draw(window, times))


async def _draw(window: JobWindow, times: int) -> list[float]:
    # Nothing is ever done, and a source that takes every question in silence has none of the methods of one.
    app = JobwardenApp(Still, None, lambda: datetime.now(UTC))  # type: ignore[arg-type]
    taken = []
    with GarbagePauses() as gc_pauses:
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(QUIET_SECONDS + 0.1)
            for number in range(times + 1):
                window = _changed(window, number)
                gc_pauses.look(started=True)
                await asyncio.sleep(APART)
                taken.append(await _show(app, window))
    return taken[1:]


async def _show(app: JobwardenApp, window: JobWindow) -> float:
    """Show a delta, let the next frame paint it, and turn it into what the terminal reads."""
    table = app.screen.query_one(JobTable)
    began = time.thread_time()
    table.show(window)
    await asyncio.sleep(FRAMES)
    for strip in table.render_lines(table.size.region):
        strip.render(app.console)
    return time.thread_time() - began


def _changed(window: JobWindow, number: int) -> JobWindow:
    """The same stretch with its first rows changed, those on the screen among them."""
    rows = tuple(_touched(row, number) if line < CHANGED else row for line, row in enumerate(window.rows))
    return replace(window, rows=rows)


def _touched(row: JobRow, number: int) -> JobRow:
    return replace(row, priority=number, version=row.version + 1)

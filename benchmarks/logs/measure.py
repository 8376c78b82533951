"""Each figure from the request until the text is in what is painted; what is typed at a terminal is in ``typed``."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from textual.app import App

from benchmarks.logs.generate import FIRST
from benchmarks.logs.typed import measure_typed
from benchmarks.logs.viewer import Viewer, job
from jobwarden.backend.logs.line_index import LineIndex
from jobwarden.backend.logs.requests import Find, Go, Number, Only, Request
from jobwarden.backend.logs.search import Pattern
from jobwarden.tui.screens.log import LogScreen
from jobwarden.tui.widgets.log.body import LogBody

PATIENCE = 600.0
"""Seconds after which something is taken to have failed."""
SIZE = (160, 48)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    what: str
    wanted: str
    median: str
    worst: str


class Bench:
    """Drives one log screen."""

    def __init__(self, app: App[None], log: Path) -> None:
        self.app = app
        self.log = log
        self.size = log.stat().st_size

    @property
    def body(self) -> LogBody:
        """Return the lines on the screen."""
        return self.app.screen.query_one(LogBody)

    async def until(self, condition: Callable[[], object]) -> float:
        """Return how many seconds it took to be so."""
        began = time.perf_counter()
        while not condition():
            await asyncio.sleep(0.001)
            if time.perf_counter() - began > PATIENCE:
                raise TimeoutError("something that is measured does not happen")
        return time.perf_counter() - began

    async def asked(self, request: Request) -> float:
        """Return how many seconds a request took until the screen has gone there."""
        view = self.body.view
        before = view.outcome.serial if view.outcome is not None else 0
        assert view.source is not None
        self.body.current = None
        began = time.perf_counter()
        view.source.ask(request)
        await self.until(lambda: (done := self.body.view.outcome) is not None and done.serial > before)
        target = self.body.view.outcome.goto if self.body.view.outcome is not None else None
        # With a filter it is the next line that passes.
        await self.until(lambda: target is None or ((row := self.body.current_row) and row.start >= target))
        return time.perf_counter() - began

    async def open(self) -> None:
        """Open the log, to its end."""
        await self.app.push_screen(LogScreen(job(self.log)))
        await self.until(lambda: self.app.screen.query(LogBody) and self.body.view.lines)

    async def count(self) -> float:
        """Return how many seconds it took to count all lines."""
        view = self.body.view
        assert view.source is not None
        view.source.ask(Number(True))
        return await self.until(lambda: self.body.view.total)


async def measure(log: Path, rounds: int) -> list[Figure]:
    """Return all figures; the app is a real one, without a terminal."""
    memory = psutil.Process().memory_info
    typed = measure_typed(log, rounds)
    async with Viewer(log).run_test(size=SIZE) as pilot:
        bench = Bench(pilot.app, log)
        before = memory().rss
        await bench.open()
        stamps = [await bench.asked(Go("2026-03-14 03:10:00"))]
        searched = await _searches(bench)
        counted = await bench.count()
        total = bench.body.view.total or 1
        lines = [await bench.asked(Go(str(random.randint(1, total)))) for _ in range(rounds)]
        filtered = await bench.asked(Only(Pattern("ERROR"), bench.size // 2))
        grown = memory().rss - before
    gigabytes = bench.size / 1e9
    return [
        _times("opening it, from the key to the end on the terminal", "100 ms", typed.opened),
        _times("a line that is appended, to the terminal", "150 ms", typed.appended),
        _times("going to a percentage, from the key to the terminal", "50 ms", typed.gone),
        _times("going to a line, once lines are counted", "50 ms", lines),
        _times("going to a time, by the timestamps of the log", "50 ms", stamps),
        *(_speed(what, wanted, seconds, gigabytes) for what, wanted, seconds in searched),
        _speed("counting lines", "", counted, gigabytes),
        _times("a filter, to the screen", "", [filtered]),
        Figure("memory of the line index", "1 MiB", f"{_index_bytes(log) / 1024:.0f} KiB", ""),
        Figure("memory that the screen and all of this took", "", f"{grown / (1 << 20):.0f} MiB", ""),
    ]


async def _searches(bench: Bench) -> list[tuple[str, str, float]]:
    """Search back through the whole log for what is only in its first line."""
    patterns = (
        ("searching a plain text", "1 GB/s", Pattern(FIRST)),
        ("the same, whatever the case", "", Pattern(FIRST.upper(), fold=True)),
        ("a regular expression", "", Pattern("very f[ir]+st", regex=True)),
    )
    return [(what, wanted, await bench.asked(Find(pattern, "up", bench.size))) for what, wanted, pattern in patterns]


def _index_bytes(log: Path) -> int:
    """Return what the index of the whole log takes; it depends on the size alone."""
    index = LineIndex()
    with log.open("rb") as file:
        while not index.complete(log.stat().st_size):
            index.advance(file.fileno(), log.stat().st_size)
    return index.nbytes


def _times(what: str, wanted: str, seconds: list[float]) -> Figure:
    return Figure(what, wanted, f"{statistics.median(seconds) * 1000:.0f} ms", f"{max(seconds) * 1000:.0f} ms")


def _speed(what: str, wanted: str, seconds: float, gigabytes: float) -> Figure:
    return Figure(what, wanted, f"{gigabytes / seconds:.2f} GB/s", f"{seconds:.1f} s in all")

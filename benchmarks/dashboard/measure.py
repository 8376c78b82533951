"""Measures one dashboard in a pseudo terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.dashboard.seed import Changes
from benchmarks.terminal import Terminal
from jobwarden.backend.database.driver import Engine

ROW = b"seed-"
"""Every row has it: what a line that waits for its row does not."""
HEADER = b"workers"
LISTED = b"1 of "
"""The line over a list that has come; until then it says that it is being read, whatever rows are on the screen."""
CURSOR = b"48;2;1;120;212"
"""Background of the cursor's line in the theme ``dark``: a paint that moved the cursor has it."""
ORDERS = ("j", "jj", "j")
"""Keys in the window of orders that lead from the newest first to state, then name, then account."""
NOTHING = b"no job matches"
"""What comes of UNSERVED; with few jobs at once."""
UNSERVED = "!one-has !two-have !three-have !four-have nobody-has"
"""No index finds it: such a filter looks at every job five times over."""
PAUSE_SECONDS = 0.11
"""Between two keys; no multiple of the time between two paints of data."""
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Figures:
    """Seconds, shares of one CPU, MiB."""

    first_paint: list[float] = field(default_factory=list)
    first_rows: list[float] = field(default_factory=list)
    key: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    filter: list[float] = field(default_factory=list)
    order: list[float] = field(default_factory=list)
    meanwhile: list[float] = field(default_factory=list)
    idle_cpu: float = 0.0
    busy_cpu: float = 0.0
    memory: float = 0.0
    changes: int = 0


def shows(terminal: Terminal, words: bytes) -> bool:
    """Whether these words were painted."""
    return words in terminal.output


def start_up(command: Sequence[str], env: Mapping[str, str], times: int, figures: Figures) -> None:
    """Open and leave the dashboard so many times; a first one, not counted, warms the caches of the disk."""
    for number in range(times + 1):
        with Terminal(command, env) as terminal:
            painted = terminal.until(partial(shows, terminal, HEADER))
            listed = terminal.until(partial(shows, terminal, ROW))
            if number:
                figures.first_paint.append(painted - terminal.started)
                figures.first_rows.append(listed - terminal.started)
            terminal.drain(0.3)
            terminal.press("q")
            terminal.wait()


def use(
    command: Sequence[str], env: Mapping[str, str], engine: Engine, keys: int, idle: float, a_second: int
) -> Figures:
    """Press keys while jobs change, then let it stand, with changes and without."""
    figures = Figures()
    with Terminal(command, env) as terminal:
        terminal.until(lambda: ROW in terminal.output)
        terminal.drain(0.5)
        with Changes(engine, a_second) as changes:
            figures.key = [_answer(terminal, "j", CURSOR) for _ in range(keys)]
            figures.page = [_answer(terminal, "\x06", ROW) for _ in range(max(5, keys // 4))]
            figures.busy_cpu = cpu_share(terminal, idle)
            figures.changes = changes.made
        for word in ("node:node7", "state:failed", "account:user3"):
            figures.filter.append(_filtered(terminal, word))
        terminal.press("\x1b")
        _let_go_on(terminal, 1.0)
        figures.order = [_ordered(terminal, keys) for keys in ORDERS]
        figures.meanwhile = _keys_meanwhile(terminal, keys // 10)
        _let_go_on(terminal, 1.0)
        figures.idle_cpu = cpu_share(terminal, idle)
        figures.memory = resident(terminal.process.pid)
        terminal.press("q")
        terminal.wait()
    return figures


def _answer(terminal: Terminal, key: str, sign: bytes) -> float:
    """Seconds from a key to the output that shows what it did."""
    terminal.drain(0.0)
    seen = len(terminal.output)
    pressed = terminal.press(key)
    shown = terminal.until(lambda: sign in terminal.output[seen:])
    _let_go_on(terminal, PAUSE_SECONDS)
    return shown - pressed


def _filtered(terminal: Terminal, words: str) -> float:
    """Seconds from enter to the first rows that match."""
    terminal.press("/")
    _let_go_on(terminal, 0.2)
    terminal.press("\x15" + words)
    _let_go_on(terminal, 0.3)
    took = _answer(terminal, "\r", LISTED)
    _let_go_on(terminal, 0.3)
    return took


def _ordered(terminal: Terminal, keys: str) -> float:
    """Seconds from enter to the first rows in another order."""
    terminal.press("o")
    _let_go_on(terminal, 0.3)
    terminal.press(keys)
    _let_go_on(terminal, 0.2)
    took = _answer(terminal, "\r", LISTED)
    _let_go_on(terminal, 0.5)
    return took


def _keys_meanwhile(terminal: Terminal, times: int) -> list[float]:
    """Seconds from a key to its paint, just after a filter was asked for that looks at every job."""
    taken = []
    for _ in range(times):
        terminal.press("/")
        _let_go_on(terminal, 0.2)
        terminal.press(f"\x15{UNSERVED}")
        _let_go_on(terminal, 0.3)
        seen = len(terminal.output)
        terminal.press("\r")
        _let_go_on(terminal, 0.1)
        if NOTHING not in terminal.output[seen:]:
            taken.append(_answer(terminal, "j", CURSOR))
        terminal.press("\x1b")
        _let_go_on(terminal, 1.5)
    return taken


def _let_go_on(terminal: Terminal, seconds: float) -> None:
    """Read for so long, as a terminal does, whether anything comes or not."""
    deadline = time.perf_counter() + seconds
    while (left := deadline - time.perf_counter()) > 0:
        terminal.read(left)


def cpu_share(terminal: Terminal, seconds: float) -> float:
    """Share of one CPU that the program takes while nobody presses a key."""
    before, began = _ticks(terminal.process.pid), time.perf_counter()
    _let_go_on(terminal, seconds)
    return (_ticks(terminal.process.pid) - before) / TICK / (time.perf_counter() - began)


def resident(pid: int) -> float:
    """MiB of memory that a process has, its threads and libraries with it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])

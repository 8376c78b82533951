"""What somebody who types sees: from a key until the terminal is told what it leads to, in a pseudo terminal."""

from __future__ import annotations

import os
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.logs.viewer import READY
from benchmarks.terminal import Terminal

LINE = b"shard="
"""Every line of the log has it."""
GO, BACK = "\x07", "\x1b"
SETTLE_SECONDS = 0.15
"""Between two measurements."""


@dataclass(slots=True)
class Typed:
    """Seconds of each round."""

    opened: list[float] = field(default_factory=list)
    appended: list[float] = field(default_factory=list)
    gone: list[float] = field(default_factory=list)


def measure_typed(log: Path, rounds: int) -> Typed:
    """Open the log, let it grow, and go to places in it, so many times each."""
    command = [sys.executable, "-m", "benchmarks.logs.viewer", str(log)]
    typed = Typed()
    with Terminal(command, {**os.environ, "ESCDELAY": "25"}) as terminal:
        terminal.until(lambda: READY.encode() in terminal.output)
        end = _last_line(log)
        for number in range(rounds):
            terminal.drain(SETTLE_SECONDS)
            typed.opened.append(_answer(terminal, "o", end))
            terminal.drain(SETTLE_SECONDS)
            if number < rounds - 1:
                terminal.press(BACK)
        for number in range(rounds):
            terminal.drain(random.uniform(0.05, 0.2))
            typed.appended.append(_append(terminal, log, f"written {number}"))
        for _ in range(rounds):
            terminal.press(f"{GO}{random.uniform(0, 99):.3f}%")
            terminal.drain(SETTLE_SECONDS)
            typed.gone.append(_answer(terminal, "\r", LINE))
            terminal.drain(SETTLE_SECONDS)
    return typed


def _answer(terminal: Terminal, key: str, sign: bytes) -> float:
    seen = len(terminal.output)
    pressed = terminal.press(key)
    return terminal.until(lambda: sign in terminal.output[seen:]) - pressed


def _append(terminal: Terminal, log: Path, line: str) -> float:
    with log.open("a") as out:
        out.write(f"{line}\n")
    written = time.perf_counter()
    return terminal.until(lambda: line.encode() in terminal.output) - written


def _last_line(log: Path) -> bytes:
    with log.open("rb") as file:
        file.seek(-4096, os.SEEK_END)
        return file.read().splitlines()[-1]

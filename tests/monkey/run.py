"""The monkey at work, and what it broke."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import termios
import time
from collections import deque
from dataclasses import dataclass, field

from benchmarks.terminal import Terminal
from tests.monkey.keys import Stroke, strokes
from tests.monkey.site import COMMAND, Site

SIZES = ((40, 15), (80, 24), (200, 60))
ANSWER_SECONDS = 30.0
"""A dashboard that draws nothing for so long after it was asked for its help hangs."""
LEAVE_SECONDS = 20.0
MISHAPS = (b"Traceback", b"internal error", b"MarkupError")


@dataclass(slots=True)
class Report:
    """What was typed, and what went wrong; each with the seed and the last keys."""

    typed: int = 0
    left: int = 0
    wrong: list[str] = field(default_factory=list)


def climb(site: Site, seed: int, columns: int, lines: int, seconds: float) -> Report:
    """Type for so many seconds on a terminal of this size. One that the monkey leaves is opened again."""
    report, last = Report(), deque[str](maxlen=60)
    source, end = strokes(seed, columns, lines), time.monotonic() + seconds
    while time.monotonic() < end and not report.wrong:
        with Terminal([*COMMAND, "tui"], site.env, columns, lines, cwd=site.home) as terminal:
            terminal.until(lambda: len(terminal.output) > 2000)
            terminal.drain(0.3)
            while time.monotonic() < end and terminal.process.poll() is None:
                _type(terminal, next(source), last)
                report.typed += 1
                if report.typed % 400 == 0:
                    _ask(terminal, report, columns, lines)
            _end(terminal, report)
            if report.wrong:
                report.wrong = [
                    f"seed {seed}, {columns}x{lines}: {one}; last keys {list(last)!r}" for one in report.wrong
                ]
    return report


def _type(terminal: Terminal, stroke: Stroke, last: deque[str]) -> None:
    if stroke.size is not None:
        _resize(terminal, *stroke.size)
    else:
        last.append(stroke.keys)
        try:
            os.write(terminal.master, stroke.keys.encode())
        except OSError:
            return
    deadline = time.monotonic() + stroke.pause
    while terminal.read(max(0.0, deadline - time.monotonic())) is not None and len(terminal.output) < 1 << 26:
        if time.monotonic() >= deadline:
            break
    del terminal.output[: -(1 << 20)]


def _resize(terminal: Terminal, columns: int, lines: int) -> None:
    fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    terminal.process.send_signal(signal.SIGWINCH)


def _ask(terminal: Terminal, report: Report, columns: int, lines: int) -> None:
    """Whether it still answers: a change of size makes it paint all there is."""
    terminal.drain(0.2)
    before = len(terminal.output)
    _resize(terminal, columns + 1, lines)
    deadline = time.monotonic() + ANSWER_SECONDS
    while len(terminal.output) - before < 200 and terminal.process.poll() is None:
        if time.monotonic() > deadline:
            report.wrong.append("it does not answer")
            return
        terminal.read(0.2)
    _resize(terminal, columns, lines)


def _end(terminal: Terminal, report: Report) -> None:
    asked = terminal.process.poll() is None
    if asked:
        terminal.process.send_signal(signal.SIGTERM)
    try:
        code = terminal.wait(LEAVE_SECONDS)
    except TimeoutError:
        report.wrong.append(f"it goes on {LEAVE_SECONDS:.0f} s after TERM")
        return
    report.left += not asked
    said = bytes(terminal.output[-20_000:])
    if code != (128 + signal.SIGTERM if asked else 0):
        report.wrong.append(f"exit code {code}: {said.rpartition(b'[?1049l')[2][-600:]!r}")
    report.wrong += [f"{word.decode()} on the screen" for word in MISHAPS if word in said.rpartition(b"[?1049l")[2]]

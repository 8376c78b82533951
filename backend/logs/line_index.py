"""Which line is where (one count of newlines for each 4 MiB, 20 KiB for 10 GiB), and how a place is typed."""

import os
import re
from array import array
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobwarden.backend.errors import InputError
from jobwarden.backend.logs.timestamps import read_clock

EVERY = 4 * 1024 * 1024
"""Bytes between two checkpoints."""
_STEP = 64 * 1024


class LineIndex:
    """Grows block by block as somebody calls ``advance``; answers for what it has covered."""

    def __init__(self) -> None:
        self._before = array("Q", [0])
        """Newlines before each checkpoint."""

    @property
    def covered(self) -> int:
        """Return how many bytes from the beginning are counted."""
        return (len(self._before) - 1) * EVERY

    @property
    def lines(self) -> int:
        """Return how many lines end in what is covered."""
        return self._before[-1]

    @property
    def nbytes(self) -> int:
        """Return the memory it takes, in bytes."""
        return self._before.itemsize * len(self._before)

    def complete(self, size: int) -> bool:
        """Whether every whole block of a file of ``size`` bytes is counted; the rest is counted when asked for."""
        return self.covered + EVERY > size

    def advance(self, file: int, size: int) -> None:
        """Count the next block, if the file has another whole one."""
        if not self.complete(size):
            data = os.pread(file, EVERY, self.covered)
            self._before.append(self._before[-1] + data.count(b"\n"))

    def number_at(self, file: int, offset: int) -> int | None:
        """Return the number, from 1, of the line that contains ``offset``; None where nothing is counted yet."""
        block = offset // EVERY
        if block >= len(self._before):
            return None
        start = block * EVERY
        return self._before[block] + os.pread(file, offset - start, start).count(b"\n") + 1

    def offset_of(self, file: int, number: int, size: int) -> int | None:
        """Return where line ``number`` begins; None when there is no such line in what is counted."""
        newlines = number - 1
        if newlines <= 0:
            return 0
        block = bisect_right(self._before, newlines - 1) - 1
        position, left = block * EVERY, newlines - self._before[block]
        stop = min(size, (block + 1) * EVERY)
        while position < stop:
            data = os.pread(file, min(_STEP, stop - position), position)
            if not data:
                return None
            if (count := data.count(b"\n")) >= left:
                return position + _nth(data, left) + 1
            position, left = position + len(data), left - count
        return None


def _nth(data: bytes, number: int) -> int:
    """Return where newline ``number`` of ``data``, counted from 1, is."""
    found = -1
    for _ in range(number):
        found = data.index(b"\n", found + 1)
    return found


# Where to go in a log, as people type it: a line, a percentage, a time.

HELP = "line 1200, 50%, 14:30 or 2026-03-14 14:30:05, -10m (ago)"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line by its number, from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class Percent:
    """A part of the file's bytes."""

    percent: float


@dataclass(frozen=True, slots=True)
class Time:
    """The first line of that time or later."""

    when: datetime


LogPlace = Line | Percent | Time


def parse(text: str, now: datetime, latest: datetime) -> LogPlace:
    """Read a target; a time without a day is the last such not after ``latest``. Raises InputError."""
    text = text.strip()
    if found := re.fullmatch(r"(?:line\s+)?([\d,_']{1,15})", text):
        digits = re.sub(r"\D", "", found[1])
        if digits and int(digits):
            return Line(int(digits))
    if (found := re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*%", text)) and float(found[1]) <= 100:
        return Percent(float(found[1]))
    if found := re.fullmatch(r"-\s*(\d{1,6})\s*([smhd])", text):
        with suppress(OverflowError):  # before the first day of the calendar there is no log either
            return Time(now - timedelta(**{_UNITS[found[2]]: int(found[1])}))
    when = read_clock(text, latest)
    if when is None:
        raise InputError(f"'{text}' is no place in a log; try {HELP}")
    return Time(when)

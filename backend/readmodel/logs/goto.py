"""Where to go in a log, as people type it: a line, a percentage, a time."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.errors import InputError
from backend.readmodel.logs.times import read_clock

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


Target = Line | Percent | Time


def parse(text: str, now: datetime, latest: datetime) -> Target:
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

"""When lines of a log were written: from timestamps in the log, else from what was seen to arrive.

A job writes straight into its file, so nobody notes when each line came. What is known: the time that lines begin
with, in logs that have it (taken as local time where no zone is given, and as ascending); and for lines that came
while the log was looked at, the time they were seen, to about 0.1 s. Nothing is interpolated.
"""

import os
import re
from bisect import bisect_right
from datetime import UTC, datetime, timedelta, timezone

from jobwarden.backend.logs.rows import row_start
from jobwarden.backend.logs.sanitize import text_of
from jobwarden.backend.process.log_truncation import Cut

MOST_ARRIVALS = 4096
"""Moments kept; when there are more, every second one is forgotten."""
_LOOK = 64 * 1024
"""Bytes within which a log with timestamps is expected to have one."""
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_CLOCK = r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,](?P<part>\d{1,6}))?)?"
_FULL = re.compile(
    rf"(?P<year>\d{{4}})[-/.](?P<month>\d\d)[-/.](?P<day>\d\d)[T _]{_CLOCK}\s?(?P<zone>Z|[+-]\d\d:?\d\d)?(?!\d)"
)
_SYSLOG = re.compile(rf"\W{{0,3}}(?P<name>{'|'.join(_MONTHS)}) +(?P<day>\d{{1,2}}) {_CLOCK}")
_TIME = re.compile(rf"\W{{0,3}}{_CLOCK}(?!\d)")
_EPOCH = re.compile(r"\W{0,3}(?P<epoch>\d{10}(?:\.\d{1,6})?)(?!\d)")
_HEAD = 48
"""Characters at the beginning of a line in which a full date and time is taken for its timestamp."""


class Arrivals:
    """Remembers how long the file was at which time."""

    def __init__(self) -> None:
        self._offsets: list[int] = []
        self._times: list[float] = []

    def note(self, offset: int, now: float) -> None:
        """Take down that everything from ``offset`` on came at unix time ``now`` or later."""
        self._offsets.append(offset)
        self._times.append(now)
        if len(self._offsets) > MOST_ARRIVALS:
            del self._offsets[1::2], self._times[1::2]

    def seen(self, offset: int) -> float | None:
        """Return when the line that begins at ``offset`` was seen to come; None when it was there before."""
        found = bisect_right(self._offsets, offset) - 1
        return self._times[found] if found >= 0 else None

    def offset_at(self, when: float) -> int | None:
        """Return from where on lines came at ``when`` or later; None when that is before anybody looked."""
        if not self._times or when < self._times[0]:
            return None
        found = bisect_right(self._times, when) - 1
        return self._offsets[found]


def stamp_of(line: bytes, latest: datetime) -> datetime | None:
    """Return the time a line begins with; what it leaves open (year, day) is chosen not to be after ``latest``.

    >>> stamp_of(b"[2026-03-14T03:00:05Z] begin", datetime.now(UTC)).isoformat()
    '2026-03-14T03:00:05+00:00'
    """
    text = text_of(line[:256])
    if found := _FULL.search(text[:_HEAD]):
        return _dated(found, int(found["year"]), int(found["month"]), int(found["day"]))
    if found := _SYSLOG.match(text):
        month = _MONTHS.index(found["name"]) + 1
        stamp = _dated(found, latest.year, month, int(found["day"]))
        return _dated(found, latest.year - 1, month, int(found["day"])) if stamp and _after(stamp, latest) else stamp
    if found := _TIME.match(text):
        return _not_after(found, latest)
    if found := _EPOCH.match(text):
        return datetime.fromtimestamp(float(found["epoch"]), UTC)
    return None


def read_clock(text: str, latest: datetime) -> datetime | None:
    """Read a time as people type it: ``14:30``, ``14:30:05``, ``2026-03-14 14:30``; the last such not after latest."""
    text = text.strip()
    if found := _FULL.fullmatch(text):
        return _dated(found, int(found["year"]), int(found["month"]), int(found["day"]))
    found = re.fullmatch(_CLOCK, text)
    return _not_after(found, latest) if found else None


def find_time(file: int, size: int, when: datetime, latest: datetime, cut: Cut | None = None) -> int | None:
    """Return where the first line of ``when`` or later begins, by bisection; None when lines have no timestamps.

    Reads some 64 KiB for each of about 30 steps, whatever the size. ``size`` when all lines are earlier.
    """
    low, high = 0, size
    known = False
    while high - low > _LOOK:
        middle = (low + high) // 2
        if cut is not None and cut.holds(middle):
            middle = cut.end if cut.end < high else max(low, cut.start - _LOOK)
        found = _first_stamp(file, middle, high, latest)
        known = known or found is not None
        if found is not None and found[1] < when:
            low = found[0]
        elif middle > low:
            high = cut.start if cut is not None and middle == cut.end else middle
        else:
            break
    for start, line in _lines(file, row_start(file, low, size, cut), min(size, high + _LOOK)):
        stamp = stamp_of(line, latest)
        known = known or stamp is not None
        if stamp is not None and stamp >= when:
            return start
    if cut is not None and high == cut.start:
        return cut.start
    return size if known else None


def _first_stamp(file: int, start: int, stop: int, latest: datetime) -> tuple[int, datetime] | None:
    lines = _lines(file, start, min(stop, start + _LOOK))
    stamps = ((begin, stamp_of(line, latest)) for begin, line in lines[1:])
    return next(((begin, stamp) for begin, stamp in stamps if stamp is not None), None)


def _lines(file: int, start: int, stop: int) -> list[tuple[int, bytes]]:
    lines = []
    for line in os.pread(file, stop - start, start).split(b"\n"):
        lines.append((start, line))
        start += len(line) + 1
    return lines


def _dated(found: re.Match[str], year: int, month: int, day: int) -> datetime | None:
    part = (found["part"] or "").ljust(6, "0")
    zone = found.groupdict().get("zone")
    try:
        naive = datetime(
            year, month, day, int(found["hour"]), int(found["minute"]), int(found["second"] or 0), int(part)
        )
        if not zone:
            return naive.astimezone()
    except (ValueError, OverflowError):  # no such day, or one at either end of the calendar
        return None
    if zone == "Z":
        return naive.replace(tzinfo=UTC)
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return naive.replace(tzinfo=timezone(-ahead if zone[0] == "-" else ahead)) if ahead < timedelta(days=1) else None


def _not_after(found: re.Match[str], latest: datetime) -> datetime | None:
    """Return a time of the day as the last one that is not after ``latest``."""
    local = latest.astimezone()
    stamp = _dated(found, local.year, local.month, local.day)
    return stamp - timedelta(days=1) if stamp is not None and _after(stamp, latest) else stamp


def _after(stamp: datetime, latest: datetime) -> bool:
    return stamp > latest + timedelta(minutes=1)

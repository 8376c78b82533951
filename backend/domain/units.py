"""Memory (MiB inside) and time (seconds) as people type and read them, and how processes and signals are named."""

import re
import signal
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from math import ceil

from jobwarden.backend.errors import InputError

MEMORY_UNITS = "b (bytes), K, M, G or T (powers of 1024, also as KB or KiB); without a unit MiB"
"""What `--memory` reads, for its help."""
TIME_UNITS = "90s, 10m, 1h30m, 2d, 1w, MM:SS, HH:MM:SS, D-HH[:MM[:SS]]; without a unit seconds (Slurm: minutes)"
"""What `--time` reads, for its help."""

_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(b|[kmgt]?(?:i?b)?)", re.IGNORECASE | re.ASCII)
_BYTES_PER = {"b": 1, "k": 1 << 10, "": 1 << 20, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_NEAR_MEMORY = re.compile(r"(\d+)(?:[.,](\d+))?\s*([kmgt]?)\w*", re.IGNORECASE | re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)", re.IGNORECASE | re.ASCII)
_CLOCK = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", re.ASCII)
_SECONDS_PER = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST = 40  # characters: longer input is never a number anybody meant


def is_id(text: str) -> bool:
    """Whether a text is digits that the database can have for an id: a longer number is none.

    >>> is_id("7"), is_id("-7"), is_id("9" * 18), is_id("9" * 19), is_id("\u0667")
    (True, False, True, False, False)
    """
    return text.isascii() and text.isdigit() and len(text) < 19


def parse_memory(text: str) -> int:
    """MiB from ``2G``, ``512M``, ``1.5g``, ``2GiB``, ``1048576b`` or a plain number of MiB.

    A part of a MiB counts whole, so that no job gets less than it asked for.
    """
    match = _MEMORY.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        raise InputError(f"{shorten(text)} is not an amount of memory: {_nearest_memory(text)}")
    exact = Fraction(match[1]) * _BYTES_PER[match[2][:1].lower()]
    return ceil(exact / (1 << 20))


def _nearest_memory(text: str) -> str:
    """What was probably meant, such as ``1G`` for ``1Gi``."""
    match = _NEAR_MEMORY.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None or not match[3]:
        return "write it like 512M or 2G"
    number = match[1] + (f".{match[2]}" if match[2] else "")
    return f"did you mean {number}{match[3].upper()}?"


def parse_duration(text: str) -> int:
    """Seconds from ``90`` (seconds), ``10m``, ``1h30m``, ``2d``, ``MM:SS``, ``HH:MM:SS`` or ``D-HH[:MM[:SS]]``.

    With colons as Slurm reads it; minutes and seconds may pass 59 there, as in ``00:60:00``.
    """
    text = text.strip()
    if len(text) <= _LONGEST:
        if text.isascii() and text.isdigit():
            return int(text)
        if match := _CLOCK.fullmatch(text):
            return _clock_seconds(match)
        parts = _DURATION_PART.findall(text)
        if parts and "".join(number + unit for number, unit in parts) == text:
            return round(sum(float(number) * _SECONDS_PER[unit.lower()] for number, unit in parts))
    raise InputError(
        f"{shorten(text)} is not a length of time: write it like 90s, 10m, 1h30m, 1:30:00 or 1-12; a bare number is"
        " seconds"
    )


def _clock_seconds(match: re.Match[str]) -> int:
    days, *clock = match.groups()
    given = [int(part) for part in clock if part is not None]
    if days is not None or len(given) == 3:  # hours lead
        hours, minutes, seconds = (*given, 0, 0)[:3]
    else:
        hours, minutes, seconds = 0, *given
    return int(days or 0) * 86_400 + hours * 3600 + minutes * 60 + seconds


def format_memory(mib: int) -> str:
    """MiB as the shortest exact-enough text: ``512M``, ``2G``, ``1.5G``, ``3T``."""
    for unit, size in (("T", 1024**2), ("G", 1024)):
        if mib >= size:
            return f"{mib / size:.1f}".removesuffix(".0") + unit
    return f"{mib}M"


def format_bytes(count: int) -> str:
    """A number of bytes for people: ``812 B``, ``3.4 MiB``, ``12 GiB``."""
    if count < 1024:
        return f"{count} B"
    power = next((power for power in (1, 2, 3) if count / 1024**power < 1023.95), 4)
    size, unit = count / 1024**power, ("KiB", "MiB", "GiB", "TiB")[power - 1]
    return f"{size:.1f} {unit}" if size < 9.95 else f"{size:.0f} {unit}"


def format_duration(seconds: float | None) -> str:
    """Seconds as a clock: ``0:42``, ``1:30:00``, ``2-03:00:00``; ``None`` is unlimited."""
    if seconds is None:
        return "unlimited"
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        return f"{days}-{hours:02}:{minutes:02}:{secs:02}"
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def seconds_run(start: datetime | None, end: datetime | None, now: datetime) -> float | None:
    """Seconds that a job runs or ran, None when it never started."""
    return None if start is None else max(0.0, ((end or now) - start).total_seconds())


def format_age(seconds: float) -> str:
    """Seconds as one or two units for a narrow column: ``42s``, ``5m``, ``3h12m``, ``9d4h``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    big, small, per, units = (whole, 3600, 60, "hm") if whole < 86_400 else (whole, 86_400, 3600, "dh")
    count, rest = divmod(big, small)
    return f"{count}{units[0]}" + (f"{rest // per}{units[1]}" if rest >= per else "")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, the only place that makes plurals.

    >>> counted(1, "job"), counted(1200, "node"), counted(0, "CPU"), counted(2, "anomaly"), counted(2, "day")
    ('1 job', '1,200 nodes', '0 CPUs', '2 anomalies', '2 days')
    """
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """Return the noun as it stands behind this number, for a number that is written apart from it."""
    if number == 1:
        return noun
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"


def shorten(text: str, limit: int = 60) -> str:
    """Quoted, with control characters escaped and the end cut: what an error message may repeat of its input."""
    shown = ascii(text) if not text.isprintable() else f"'{text}'"
    return shown if len(shown) <= limit else shown[: limit - 2] + "…'"


# How a process of a job is named wherever one is shown: a job has a supervisor, which watches, and a script.


def name_processes(pids: Sequence[int], supervisor: int | None) -> str:
    """Return the processes, each as what it is; ``supervisor`` is the pid that was recorded at the start.

    >>> name_processes([12], 12), name_processes([13, 14], 12), name_processes([12, 13], 12)
    ('supervisor pid 12', 'script pid 13, 14', 'supervisor pid 12, script pid 13')
    """
    said = [f"supervisor pid {pid}" for pid in pids if pid == supervisor]
    scripts = ", ".join(str(pid) for pid in pids if pid != supervisor)
    return ", ".join([*said, f"script pid {scripts}"] if scripts else said)


def signal_name(number: int) -> str:
    """SIGTERM for 15, ``signal 35`` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

"""A log file as rows: lines, and pieces of lines too long to be one row.

Where a row begins depends only on the bytes just before it, so any part of a file of any size is split without
reading the rest. A row ends after a newline; and at an offset that is a multiple of PIECE when the PIECE bytes before
it have no newline (moved back so that no UTF-8 character is cut). So no row is longer than twice PIECE, and one
enormous line can be read, searched and scrolled like any other part. Where the middle of a log over its limit was cut
out, one row says so.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from jobwarden.backend.logs.line_breaks import PIECE, cut_character
from jobwarden.backend.logs.sanitize import show_bytes
from jobwarden.backend.process.log_truncation import Cut

CHUNK = 8 * PIECE
"""Bytes read at once."""

Span = tuple[int, int]
"""From one character to another, the latter excluded."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of a log, safe to show. ``start`` and ``end`` are offsets in the file, the newline included."""

    start: int
    end: int
    text: str
    begins: bool = True
    """False for a piece that continues a line."""
    whole: bool = True
    """False when the line may still go on: the last one, without its newline."""
    number: int | None = None
    """Number of the line, from 1, when it is known."""
    seen: float | None = None
    """Unix time at which the row was seen to arrive; None when it was there before anybody looked."""
    marks: tuple[Span, ...] | None = None
    """Where the searched text is, in characters of the text without colours; None when nobody looked yet."""


def rows_after(file: int, offset: int, size: int, limit: int, cut: Cut | None = None) -> list[LogRow]:
    """Return at most ``limit`` rows from ``offset``, which begins a row, up to ``size``; about CHUNK bytes of them."""
    if cut is not None and cut.holds(offset):
        return [_notice(cut)]
    stop = cut.start if cut is not None and offset < cut.start else size
    base = offset - offset % PIECE
    data = os.pread(file, min(CHUNK + PIECE, stop - base), base)
    starts = [offset, *islice((start for start in _starts(data, base) if start > offset), limit)]
    end = base + len(data)
    if len(starts) <= limit and end > starts[-1] and end >= stop:
        starts.append(end)
    return _rows(file, data, base, starts)


def rows_before(file: int, offset: int, limit: int, cut: Cut | None = None) -> list[LogRow]:
    """Return the last rows before ``offset``, which begins a row or is the end of the file; at most ``limit``."""
    if cut is not None and cut.start < offset <= cut.end:
        return [_notice(cut)]
    first = cut.end if cut is not None and offset > cut.end else 0
    base = max(first, offset - CHUNK)
    base -= base % PIECE
    data = os.pread(file, offset - base, base)
    starts = [start for start in _starts(data, base) if first < start < offset]
    if base <= first:
        starts.insert(0, first)
    return _rows(file, data, base, [*starts, offset][-limit - 1 :]) if offset else []


def row_start(file: int, offset: int, size: int, cut: Cut | None = None) -> int:
    """Return where the row that contains ``offset`` begins; at or beyond the end of the file, where its end is."""
    if offset >= size:
        return size
    if cut is not None and cut.holds(offset):
        return cut.start
    first = cut.end if cut is not None and offset >= cut.end else 0
    base = max(0, offset - offset % PIECE - 2 * PIECE)
    data = os.pread(file, min(size, base + 4 * PIECE) - base, base)
    return max((start for start in _starts(data, base) if first < start <= offset), default=max(base, first))


def _notice(cut: Cut) -> LogRow:
    return LogRow(cut.start, cut.end, cut.notice)


def _starts(data: bytes, base: int) -> Iterator[int]:
    """Yield where rows begin in ``data``, which lies at ``base``, a multiple of PIECE; not for its first byte."""
    for begin in range(0, len(data), PIECE):
        chunk = data[begin : begin + PIECE]
        found = chunk.find(b"\n")
        if found < 0 and len(chunk) == PIECE:
            yield base + begin + PIECE - cut_character(chunk)
        while found >= 0:
            yield base + begin + found + 1
            found = chunk.find(b"\n", found + 1)


def _rows(file: int, data: bytes, base: int, bounds: list[int]) -> list[LogRow]:
    begins = bool(bounds) and _begins(file, bounds[0])
    rows = []
    for start, end in pairwise(bounds):
        raw = data[start - base : end - base]
        whole = raw.endswith(b"\n")
        rows.append(LogRow(start, end, show_bytes(raw), begins, whole))
        begins = whole
    return rows


def _begins(file: int, offset: int) -> bool:
    return offset == 0 or os.pread(file, 1, offset - 1) == b"\n"

"""How verbs print: aligned tables for people, one JSON array for scripts, progress on a terminal."""

import dataclasses
import json
import shutil
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType
from typing import Any

import click

from jobwarden.backend.cli.say import redraw, say
from jobwarden.backend.harmless import MOST_MARKS, escaped, json_escaped

WIDTH = 24
REDRAW_SECONDS = 0.1


class Bar:
    """One line on stderr that is drawn over; gone when the context is left, so that results start on a clean line."""

    def __init__(self) -> None:
        self._wanted = sys.stderr.isatty()
        self._step, self._next = "", 0.0

    def __enter__(self) -> "Bar":
        return self

    def show(self, step: str, done: int, total: int) -> None:
        """Draw ``step`` at ``done`` of ``total``; not more often than an eye can follow."""
        due = step != self._step or done >= total or time.monotonic() >= self._next
        if not (self._wanted and total and due):
            return
        self._step, self._next = step, time.monotonic() + REDRAW_SECONDS
        filled = WIDTH * done // total
        line = f"{step:<12}[{'#' * filled}{'.' * (WIDTH - filled)}] {100 * done // total:3}%  {done:,}/{total:,}"
        redraw(line)

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._wanted:
            redraw()


# How verbs print: aligned tables for people, one JSON array for scripts, nothing that drives a terminal.

NUMBER = click.IntRange(min=0, max=2**31 - 1)
"""A number of rows or lines on a command line: a larger one is bad input, as nothing can count so far."""
ROWS_AT_ONCE = 1000
LONGEST_CELL = 4096
"""Characters of a cell of a table; ``--json`` has all."""
LAST_COLUMN = 40
"""Columns of a terminal for which others make room for the last one."""
GAP = "  "


@dataclass(frozen=True, slots=True)
class TextColumn:
    """One column of a table: its title, how a row becomes text, and on which side numbers line up.

    On a terminal that is too narrow ``spare`` columns are left out, the last one first, and then a column is cut to
    ``widest`` columns of the terminal.
    """

    title: str
    text: Callable[[Any], object]
    right: bool = False
    spare: bool = False
    widest: int | None = None


def printable(value: object) -> str:
    """Text that moves no cursor and starts no new line: control, format and undecodable characters are escaped."""
    return "" if value is None else escaped(str(value))


def cell(value: object) -> str:
    """``printable`` for a column: of a text that no terminal is wide enough for, the beginning."""
    text = "" if value is None else str(value)
    return escaped(text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…")


def print_table(columns: Sequence[TextColumn], rows: Iterable[Any]) -> int:
    """Print the rows under their titles, and return how many; on a terminal, lines are cut at its width.

    Rows may arrive while they are printed. The first ROWS_AT_ONCE decide the widths; later ones may need more.
    """
    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    cells = ([cell(column.text(row)) for column in columns] for row in rows)
    lines = [[column.title for column in columns], *islice(cells, ROWS_AT_ONCE)]
    widths = _widths([0] * len(columns), lines)
    shown, most = _room(columns, widths, limit)
    count = -1
    while lines:
        widths = [min(pair) for pair in zip(_widths(widths, lines), most, strict=True)]
        for texts in lines:
            fitting = [fit(text, width) for text, width in zip(texts, widths, strict=True)]
            say(
                fit(
                    _aligned([columns[i] for i in shown], [widths[i] for i in shown], [fitting[i] for i in shown]),
                    limit,
                )
            )
        count += len(lines)
        lines = list(islice(cells, ROWS_AT_ONCE))
    return count


def _widths(widths: Sequence[int], lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(width, *map(_width, texts)) for width, *texts in zip(widths, *lines, strict=True)]


def _room(columns: Sequence[TextColumn], widths: Sequence[int], limit: int | None) -> tuple[list[int], list[int]]:
    """Which columns are shown in ``limit`` columns of a terminal, and how wide each may be."""
    shown, most = list(range(len(columns))), [sys.maxsize] * len(columns)
    if limit is None:
        return shown, most

    def needed() -> int:
        # The last column, the longest text, is not worth more than this to the others.
        wide = [min(widths[i], most[i]) for i in shown]
        return sum(wide[:-1]) + min(wide[-1], LAST_COLUMN) + len(GAP) * (len(wide) - 1)

    for spare in [i for i, column in enumerate(columns) if column.spare][::-1]:
        if needed() > limit:
            shown.remove(spare)
    if needed() > limit:
        most = [column.widest or wide for column, wide in zip(columns, most, strict=True)]
    return shown, most


def _aligned(columns: Sequence[TextColumn], widths: Sequence[int], texts: Sequence[str]) -> str:
    aligned = [
        " " * (width - _width(text)) + text if column.right else text + " " * (width - _width(text))
        for column, width, text in zip(columns, widths, texts, strict=True)
    ]
    return GAP.join(aligned).rstrip()


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Print ``key  value`` lines with the values aligned; what is None is left out."""
    shown = [(key, printable(value)) for key, value in pairs if value is not None]
    width = max((len(key) for key, _ in shown), default=0)
    for key, value in shown:
        say(f"{key.ljust(width)}  {value}".rstrip())


def print_json(rows: Iterable[Any]) -> None:
    """Print one JSON array, a line for each element; rows may arrive while they are printed."""
    separator = "["
    for row in rows:
        say(f"{separator}\n{as_json(row)}", end="")
        separator = ","
    say("[]" if separator == "[" else "\n]")


def as_json(row: Any) -> str:
    """One record as a JSON object: times in ISO-8601 UTC, and pure ASCII, so that a terminal is safe from it too."""
    return json_escaped(json.dumps(to_plain(row)))


def to_plain(value: Any) -> Any:
    """Records and times as what JSON knows."""
    if isinstance(value, datetime):
        return iso(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def iso(moment: datetime | None) -> str | None:
    """A time as ISO-8601 in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def local(moment: datetime | None) -> str | None:
    """A time for people: local, to the second, with its distance from UTC, as abbreviations of zones are no names."""
    return None if moment is None else moment.astimezone().isoformat(sep=" ", timespec="seconds")


def fit(line: str, limit: int | None) -> str:
    """The line, cut with ``…`` when it is wider than ``limit`` columns."""
    if limit is None or _width(line) <= limit:
        return line
    line = line[: limit * (MOST_MARKS + 1)]  # what takes no column of its own comes in bounded numbers
    while line and _width(line) > limit - 1:
        line = line[:-1]
    return line + "…"


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )

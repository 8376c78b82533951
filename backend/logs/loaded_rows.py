"""Which rows of a log are held for its viewer, and how they are got: the stretch around where it looks."""

import os
import time
from dataclasses import replace

from jobwarden.backend.logs.ansi import plain
from jobwarden.backend.logs.file import LogFile
from jobwarden.backend.logs.line_index import LineIndex
from jobwarden.backend.logs.requests import Direction
from jobwarden.backend.logs.row_buffer import MOST_ROWS, RowBuffer
from jobwarden.backend.logs.rows import LogRow, row_start, rows_after, rows_before
from jobwarden.backend.logs.search import Pattern, SearchReport
from jobwarden.backend.logs.search_jobs import Marker, Sifter
from jobwarden.backend.logs.timestamps import Arrivals

TAIL_BYTES = 64 * 1024
"""How much of the end is shown when a log is opened."""
READ_BYTES = 256 * 1024
"""Most that is read at once while following; a log that grows faster is shown from its new end."""
BATCH = 300
"""Rows added at a time."""
SIFTED = 200
"""Lines of a filter looked for at a time."""
MARGIN = 150
"""Rows wanted on either side of the viewer; fewer make the reader read more."""


class LoadedRows:
    """Rows around ``place``, or at the end while ``follow``; ``changed`` is set whenever they are others."""

    def __init__(self, log: LogFile) -> None:
        self.log = log
        self.window = RowBuffer()
        self.index = LineIndex()
        self.arrivals = Arrivals()
        self.marker, self.sifter = Marker(), Sifter()
        self.only: Pattern | None = None
        self.follow = True
        self.place = 0
        self.numbered = False
        self.arrived = 0
        self.changed = False

    @property
    def rows(self) -> list[LogRow]:
        """Return the rows held."""
        return self.window.rows

    def begin(self, *, replaced: bool) -> None:
        """Start at the end of a file that is new to us; all of one that ``replaced`` another has just arrived."""
        self.stop()
        self.index, self.arrivals = LineIndex(), Arrivals()
        self.follow, self.arrived = True, 0
        self.arrivals.note(0 if replaced else self.log.size, time.time())
        self.to_end()

    def stop(self) -> None:
        """End what goes on beside."""
        self.marker.stop()
        self.sifter.stop()

    def grew(self, before: int) -> None:
        """Take in what was appended at offset ``before``."""
        self.arrivals.note(before, time.time())
        new = _newlines(self.log.file, before, self.log.size)
        self.arrived += new
        self.changed = True
        much = self.log.size - self.window.high > READ_BYTES or new > MOST_ROWS  # none of the rows held would stay
        if self.follow and self.only is None and much:
            self.to_end()
        elif self.follow or (self.window.high >= before and len(self.rows) < BATCH):
            self.more_below()

    def recut(self) -> None:
        """Read again after the middle of the log was cut out; lines are counted anew when somebody wants them."""
        self.index = LineIndex()
        if self.follow:
            self.to_end()
        else:
            self.window.clear(self.log.size)
            self.around(row_start(self.log.file, self.place, self.log.size, self.log.cut))
        self.changed = True

    def to_end(self) -> None:
        """Hold the last rows."""
        self.changed = True
        if self.only is not None:
            self.window.clear(self.finished())
            self.more_above()
            return
        self.window.clear(self.log.size)
        rows = rows_before(self.log.file, self.log.size, BATCH, self.log.cut)
        tail = [row for row in rows if row.start >= self.log.size - TAIL_BYTES] or rows[-1:]
        self.window.prepend(self._dressed(tail), tail[0].start if tail else 0)

    @property
    def at_end(self) -> bool:
        """Whether the last rows are held."""
        return self.window.high >= (self.log.size if self.only is None else self.finished())

    def around(self, start: int) -> None:
        """Hold the rows around the one that begins at ``start``."""
        self.follow, self.place = False, start
        if not self.window.low <= start < self.window.high:
            self.sifter.stop()
            self.window.clear(start)
        self.settle()

    def settle(self) -> None:
        """Have enough rows on both sides of the viewer."""
        index = len(self.rows) if self.follow else self.window.index_of(self.place)
        if len(self.rows) - index < MARGIN and self.window.high < self.log.size and not self.follow:
            self.more_below()
        if index < MARGIN and self.window.low > 0:
            self.more_above()

    def more_below(self) -> None:
        """Add rows at the end: all there are when following."""
        if self.only is not None:
            self._sift("down")
            return
        self.window.drop_unfinished()
        while self.window.high < self.log.size:
            rows = rows_after(self.log.file, self.window.high, self.log.size, BATCH, self.log.cut)
            if not rows:
                break
            self.window.append(self._dressed(rows), rows[-1].end)
            if not self.follow:
                break
        self.changed = True

    def more_above(self) -> None:
        """Add rows at the beginning."""
        if self.only is not None:
            self._sift("up")
        elif self.window.low > 0:
            rows = rows_before(self.log.file, self.window.low, BATCH, self.log.cut)
            self.window.prepend(self._dressed(rows), rows[0].start if rows else 0)
            self.changed = True

    def sift(self, pattern: Pattern | None, at: int | None) -> None:
        """Hold only rows that match, or all again, around ``at``; None for the end."""
        self.sifter.stop()
        self.only, self.follow = pattern, at is None
        if at is None:
            self.to_end()
        else:
            self.window.clear(0)
            self.around(row_start(self.log.file, at, self.log.size, self.log.cut))

    def renumber(self) -> None:
        """Give the rows their numbers."""
        self.window.rows = self._dressed(self.rows, apart=self.only is not None)
        self.changed = True

    def mark(self, pattern: Pattern | None) -> None:
        """Mark where another text is, or nothing."""
        self.marker.stop()
        self.marker.pattern = pattern
        self.window.change(lambda row: replace(row, marks=self.marker.of(plain(row.text))))
        self.changed = True

    def hear(self) -> None:
        """Take what was found beside. Raises SeekerEnded."""
        for found in self.sifter.answers():
            self._sifted(found)
        if marks := self.marker.answers():
            self.window.change(lambda row: replace(row, marks=marks[row.start]) if row.start in marks else row)
            self.changed = True
        if self.marker.pattern is not None and not self.marker.busy:
            bare = [row for row in self.rows if row.marks is None]
            bare.sort(key=lambda row: abs(row.start - (self.log.size if self.follow else self.place)))
            self.marker.ask(self.log.file, [(row, plain(row.text)) for row in bare[:BATCH]])

    def _sift(self, way: Direction) -> None:
        """Ask for more lines of the filter on one side, unless some are asked for already."""
        if self.only is None or self.sifter.busy:
            return
        up = way == "up"
        start, stop = (self.window.low, 0) if up else (self.window.high, self.finished())
        if (start > stop) if up else (start < stop):
            self.sifter.more(self.log.file, self.only, way, start, stop, SIFTED)

    def finished(self) -> int:
        """Return where the unfinished last line begins, the end of the file if there is none."""
        last = rows_before(self.log.file, self.log.size, 1, self.log.cut)
        return self.log.size if not last or last[0].whole else last[0].start

    def _sifted(self, found: SearchReport) -> None:
        # A match may be in a row that is held already: in a long line, or where the middle was cut out.
        rows = list({row.start: row for row in map(self._row_at, found.hits) if not self._holds(row)}.values())
        exhausted = found.done and found.at == self.sifter.stop_at
        if self.sifter.way == "up":
            rows.reverse()
            low = found.at if exhausted else rows[0].start if rows else self.window.low
            self.window.prepend(self._dressed(rows, apart=True), low)
        else:
            high = found.at if exhausted else rows[-1].end if rows else self.window.high
            self.window.append(self._dressed(rows, apart=True), high)
        self.changed = True
        if found.done:
            self.settle()
            if self.follow:
                self._sift("down")

    def _holds(self, row: LogRow) -> bool:
        index = self.window.index_of(row.start)
        return index >= 0 and self.rows[index].start == row.start

    def _row_at(self, offset: int) -> LogRow:
        start = row_start(self.log.file, offset, self.log.size, self.log.cut)
        return rows_after(self.log.file, start, self.log.size, 1, self.log.cut)[0]

    def _dressed(self, rows: list[LogRow], *, apart: bool = False) -> list[LogRow]:
        """Add what is known of rows; ``apart`` when they do not follow each other."""
        dressed: list[LogRow] = []
        number: int | None = None
        for row in rows:
            if self.numbered and (number is None or apart):
                number = self.index.number_at(self.log.file, row.start)
            elif number is not None and row.begins:
                number += 1
            seen, marks = self.arrivals.seen(row.start), self.marker.of(plain(row.text))
            dressed.append(replace(row, number=number, seen=seen, marks=marks))
        return dressed


def _newlines(file: int, start: int, stop: int) -> int:
    count = 0
    while start < stop:
        data = os.pread(file, min(1024 * 1024, stop - start), start)
        if not data:
            break
        count += data.count(b"\n")
        start += len(data)
    return count

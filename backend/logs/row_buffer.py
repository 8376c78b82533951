"""The stretch of rows that is held: it grows at the side where the viewer goes and shrinks at the other."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

from jobwarden.backend.logs.rows import LogRow

MOST_ROWS = 2000
"""Rows held."""
MOST_CHARACTERS = 2 * 1024 * 1024
"""Characters in the rows held ..."""
FEWEST_ROWS = 200
"""... as long as there are this many."""


class RowBuffer:
    """Rows in ascending order. ``low`` and ``high`` bound what was looked through, also where a filter left gaps."""

    def __init__(self) -> None:
        self.rows: list[LogRow] = []
        self.low = 0
        self.high = 0
        self._held = 0

    def clear(self, offset: int) -> None:
        """Begin anew at an offset."""
        self.rows, self.low, self.high, self._held = [], offset, offset, 0

    def index_of(self, offset: int) -> int:
        """Return the index of the row that contains an offset, or of the last one before it; -1 for none."""
        return bisect_right(self.rows, offset, key=lambda row: row.start) - 1

    def append(self, rows: Sequence[LogRow], high: int) -> None:
        """Add rows below."""
        self.rows += rows
        self.high = high
        self._held += _characters(rows)
        drop = self._surplus(self.rows)
        if drop:
            self._held -= _characters(self.rows[:drop])
            self.low = self.rows[drop].start
            del self.rows[:drop]

    def prepend(self, rows: Sequence[LogRow], low: int) -> None:
        """Add rows above."""
        self.rows[:0] = rows
        self.low = low
        self._held += _characters(rows)
        drop = self._surplus(self.rows[::-1])
        if drop:
            self._held -= _characters(self.rows[-drop:])
            self.high = self.rows[-drop - 1].end
            del self.rows[-drop:]

    def drop_unfinished(self) -> None:
        """Forget a last line that may have gone on, to read it again."""
        if self.rows and not self.rows[-1].whole:
            row = self.rows.pop()
            self._held -= len(row.text)
            self.high = row.start

    def change(self, change: Callable[[LogRow], LogRow]) -> None:
        """Replace every row."""
        self.rows = [change(row) for row in self.rows]

    def _surplus(self, rows: Sequence[LogRow]) -> int:
        """Return how many of the first rows are too many."""
        drop = max(0, len(rows) - MOST_ROWS)
        held = self._held - _characters(rows[:drop])
        while held > MOST_CHARACTERS and len(rows) - drop > FEWEST_ROWS:
            held -= len(rows[drop].text)
            drop += 1
        return drop


def _characters(rows: Sequence[LogRow]) -> int:
    return sum(len(row.text) for row in rows)

"""Which line is where: one count of newlines for each 4 MiB of a log, 20 KiB for 10 GiB."""

import os
from array import array
from bisect import bisect_right

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

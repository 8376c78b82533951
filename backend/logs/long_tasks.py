"""Work on a log that takes longer than a key may wait: done in small steps, with progress, and given up at any time."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from jobwarden.backend.errors import InputError
from jobwarden.backend.logs.ansi import plain
from jobwarden.backend.logs.file import LogFile
from jobwarden.backend.logs.line_index import LineIndex
from jobwarden.backend.logs.rows import row_start, rows_after
from jobwarden.backend.logs.search import Pattern, SearchReport, Seeker

COPIED = 1024 * 1024
"""Bytes written in one step."""
SIFTED = 5000
"""Lines of a filter that are asked for at once."""


class Chore(Protocol):
    """Something under way."""

    what: str
    """What it is, as ``counting lines``."""

    @property
    def progress(self) -> float:
        """Return how much is done, from 0 to 1."""

    def step(self) -> bool:
        """Do a little (some milliseconds); True when all is done."""

    def finish(self) -> None:
        """Report, after the last step."""

    def close(self) -> None:
        """Leave nothing open or half written."""


class Counting:
    """Counts the lines of the whole log, or as far as line ``number``."""

    what = "counting lines"

    def __init__(self, log: LogFile, index: LineIndex, number: int | None, done: Callable[[int | None], None]) -> None:
        self._log, self._index, self._number, self._done = log, index, number, done

    @property
    def progress(self) -> float:
        """Return the part of the log that is counted."""
        return min(1.0, self._index.covered / max(1, self._log.size))

    def step(self) -> bool:
        """Count one block."""
        if self._index.complete(self._log.size):
            return True
        if self._number is not None and self._index.lines >= self._number:
            return True
        self._index.advance(self._log.file, self._log.size)
        return False

    def finish(self) -> None:
        """Say so."""
        self._done(self._number)

    def close(self) -> None:
        """Nothing is open; what is counted stays."""


class Saving:
    """Writes the log as it is now into a new file, byte for byte."""

    what = "saving"

    def __init__(self, log: LogFile, path: Path, done: Callable[[Path, int], None]) -> None:
        self._log, self.path, self._done = log, path, done
        self._stop, self._at, self._saved = log.size, 0, 0
        self._out = _new_file(path)

    @property
    def progress(self) -> float:
        """Return the part of the log that was looked at."""
        return self._at / max(1, self._stop)

    def step(self) -> bool:
        """Copy a little; where the middle was cut out, a line says so."""
        cut = self._log.cut
        if cut is not None and cut.holds(self._at):
            self._write(f"{cut.notice}\n".encode())
            self._at = cut.end
            return self._complete()
        most = cut.room(self._at, COPIED) if cut is not None else COPIED
        data = os.pread(self._log.file, min(most, self._stop - self._at), self._at)
        self._at += len(data)
        self._write(data)
        return not data or self._at >= self._stop

    def finish(self) -> None:
        """Say how much it was."""
        self._done(self.path, self._saved)

    def close(self) -> None:
        """Close the file; half of one is removed."""
        os.close(self._out)
        if not self._complete():
            self.path.unlink(missing_ok=True)

    def _complete(self) -> bool:
        return self._at >= self._stop

    def _write(self, data: bytes) -> None:
        while data:
            written = os.write(self._out, data)
            self._saved += written
            data = data[written:]


class SavingSome(Saving):
    """Writes only the lines that match, whole, as they are shown."""

    what = "saving matching lines"

    def __init__(self, log: LogFile, path: Path, pattern: Pattern, done: Callable[[Path, int], None]) -> None:
        super().__init__(log, path, done)
        self._seeker = Seeker(log.file, [pattern])
        self._seeker.down(0, self._stop, SIFTED)

    def step(self) -> bool:
        """Write what was found since."""
        for reply in self._seeker.replies():
            assert isinstance(reply, SearchReport)
            for hit in reply.hits:
                self._write_line(hit)
            if reply.done and reply.at < self._stop and self._at < self._stop:
                self._seeker.down(self._at, self._stop, SIFTED)
            elif reply.done:
                self._at = self._stop
        return self._complete()

    def close(self) -> None:
        """End the search too."""
        self._seeker.close().wait()
        super().close()

    def _write_line(self, hit: int) -> None:
        """Write the line around a match, all pieces of it."""
        cut = self._log.cut
        whole = cut is not None and cut.holds(hit)
        if not whole:
            self._at = max(self._at, row_start(self._log.file, hit, self._stop, cut))
        while not whole and self._at < self._stop:
            row = rows_after(self._log.file, self._at, self._stop, 1, cut)[0]
            self._write((plain(row.text) + "\n" * row.whole).encode())
            self._at, whole = row.end, row.whole


def _new_file(path: Path) -> int:
    """Create a file for the owner alone. Raises InputError when there is one, or none can be made."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise InputError(f"{path} exists already: nothing is overwritten, give another name") from None
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror}") from None

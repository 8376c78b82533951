"""A log file that is open: notices that it grew, was cut, or that another file took its name."""

import os
from enum import Enum
from pathlib import Path

from jobwarden.backend.files import open_within
from jobwarden.backend.process.log_truncation import PRINT, Cut, read_cut, rewritten

LATEST = 221_845_392_000.0
"""The year 9000: not far from there dates cannot be calculated with any more."""


class FileChange(Enum):
    """What happened to the file since the last look."""

    NOTHING = "nothing"
    GREW = "grew"
    CUT = "cut"
    """Truncated or rewritten: whatever was read of it is no more."""
    SHORTENED = "shortened"
    """Its middle was cut out because it was over its limit."""
    OTHER = "other"
    """Opened for the first time, or another file took the name."""


class LogFile:
    """Looks at one path. A file that is deleted stays readable here, as it is for the job that writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.written = 0.0
        """Unix time of the last write; whatever a job has set it to, a day of the calendar."""
        self.deleted = False
        self.cut: Cut | None = None
        """What is missing in the middle."""
        self._file: int | None = None
        self._identity = (0, 0)
        self._modified = 0
        self._print = b""

    @property
    def file(self) -> int:
        """Return the descriptor; only for an open file."""
        assert self._file is not None
        return self._file

    @property
    def is_open(self) -> bool:
        """Whether there is a file to read."""
        return self._file is not None

    def look(self) -> FileChange:
        """Look again. Raises OSError when there is no file that can be read."""
        try:
            named = self.path.lstat()
        except FileNotFoundError:
            if self._file is None:
                raise
            self.deleted = True
            return self._grown()
        if self._file is None or (named.st_dev, named.st_ino) != self._identity:
            self._open()
            return FileChange.OTHER
        self.deleted = False
        return self._grown()

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> None:
        file = open_within(str(self.path.parent), self.path.name)
        status = os.fstat(file)
        self.close()
        self.cut = self._cut(status)
        self._file, self._identity, self.deleted = file, (status.st_dev, status.st_ino), False
        self._take(status)

    def _grown(self) -> FileChange:
        status = os.fstat(self.file)
        if status.st_size >= self.size and not self.deleted and (cut := self._cut(status)) != self.cut:
            self.cut = cut
            return FileChange.SHORTENED
        if status.st_size == self.size and status.st_mtime_ns == self._modified:
            return FileChange.NOTHING
        anew = status.st_size < self.size or rewritten(self._print, self._fingerprint())
        grew = status.st_size > self.size
        self._take(status)
        if anew:
            self.cut = self._cut(status)
        return FileChange.CUT if anew else FileChange.GREW if grew else FileChange.NOTHING

    def _cut(self, status: os.stat_result) -> Cut | None:
        return read_cut(str(self.path.parent), status.st_size)

    def _take(self, status: os.stat_result) -> None:
        self.size, self._modified = status.st_size, status.st_mtime_ns
        self.written = min(max(0.0, status.st_mtime), LATEST)
        self._print = self._fingerprint()

    def _fingerprint(self) -> bytes:
        length = min(PRINT, self.size)
        return os.pread(self.file, length, self.size - length)

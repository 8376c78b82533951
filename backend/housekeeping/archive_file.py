"""One archive: compressed JSON lines, in place only when it is complete on the disk, and read back before it counts.

The same jobs give the same bytes, so that a dry run can say how large an archive will be.
"""

import errno
import gzip
import hashlib
import json
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from jobwarden.backend.errors import Refused
from jobwarden.backend.files import open_plain

SUFFIX = ".jsonl.gz"
UNFINISHED = ".jsonl.gz.new"
LEVEL = 6
"""Of gzip: higher ones take several times as long for a few percent."""


@dataclass(frozen=True, slots=True)
class Written:
    """A finished archive. ``sha256`` is of the compressed file, ``lines`` what it holds."""

    path: Path
    sha256: str
    bytes: int
    lines: int


class LineSink(Protocol):
    """Takes lines; see :class:`ArchiveFile` and :class:`Measure`."""

    def write(self, line: str) -> None:
        """Add one line."""


class _CountingWriter:
    """Stands between gzip and the file: counts and hashes what goes through."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file, self.hash, self.bytes = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        if self._file is not None:
            self._file.write(data)
        self.hash.update(data)
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back here."""


class Measure:
    """Compresses to nowhere: how large an archive would be."""

    def __init__(self) -> None:
        self._tally = _CountingWriter(None)
        self._gzip = gzip.GzipFile("", "wb", LEVEL, self._tally, mtime=0)

    def write(self, line: str) -> None:
        """Add one line."""
        self._gzip.write(f"{line}\n".encode())

    def finish(self) -> int:
        """Bytes of the archive."""
        self._gzip.close()
        return self._tally.bytes


class ArchiveFile:
    """An archive being written, under a name that says it is unfinished. Call :meth:`finish` or :meth:`abandon`."""

    def __init__(self, directory: Path, name: str) -> None:
        """Raises OSError when the file cannot be made."""
        self.path, self._new = directory / f"{name}{SUFFIX}", directory / f"{name}{UNFINISHED}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._new, flags, 0o600), "wb")
        self._tally = _CountingWriter(self._file)
        self._gzip = gzip.GzipFile("", "wb", LEVEL, self._tally, mtime=0)
        self._lines = 0

    def write(self, line: str) -> None:
        """Add one line. Raises OSError when the disk does not take it."""
        self._gzip.write(f"{line}\n".encode())
        self._lines += 1

    def finish(self) -> Written:
        """Put it in place, durably. Raises OSError, FileExistsError too: an archive is never written over."""
        self._gzip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        # So that reading back asks the disk and not the memory of this host.
        os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self._file.close()
        if self.path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.path))
        self._new.rename(self.path)
        sync_directory(self.path.parent)
        return Written(self.path, self._tally.hash.hexdigest(), self._tally.bytes, self._lines)

    def abandon(self) -> None:
        """Take the unfinished file away."""
        with suppress(OSError):  # a full disk says so once more when the last buffer is written
            self._file.close()
        self._new.unlink(missing_ok=True)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove_unfinished(directory: Path) -> list[Path]:
    """Take away what a killed run left behind; only for whoever is sure to be the only one writing."""
    found = sorted(path for path in directory.glob(f"jobs-*{UNFINISHED}") if path.is_file() and not path.is_symlink())
    for path in found:
        path.unlink(missing_ok=True)
    return found


def verify(written: Written, job_ids: set[int]) -> None:
    """Read the archive back: every byte, every line, every job. Raises Refused when anything differs."""
    try:
        with os.fdopen(open_plain(str(written.path)), "rb") as raw:
            same = hashlib.file_digest(raw, "sha256").hexdigest() == written.sha256
            raw.seek(0)
            same = same and _read_back(raw) == (written.lines, job_ids)  # what is not ours is not even unpacked
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as exc:
        raise _unverified(written.path, str(exc)) from exc
    if not same:
        raise _unverified(written.path, "it differs from what was written")


def _read_back(raw: IO[bytes]) -> tuple[int, set[int]]:
    lines, jobs = 0, set()
    with gzip.open(raw, "rb") as file:
        for line in file:
            lines += 1
            match json.loads(line):
                case {"job": {"id": int(job_id)}}:
                    jobs.add(job_id)
    return lines, jobs


def _unverified(path: Path, why: str) -> Refused:
    return Refused(f"the archive {path} cannot be read back ({why}): no job was deleted; check the disk")

"""A log that grew too large loses its middle, while the job goes on writing.

The job writes straight into the file, so nobody stands in between to stop it. What is cut out is given back to the
disk as a hole (fallocate(2), FALLOC_FL_PUNCH_HOLE): size and offsets stay, the job's own descriptor notices nothing.
A small file beside the log names the range; readers show a line in its place instead of zeroes.
"""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.domain.units import format_bytes
from backend.files import open_plain, read_within
from backend.process.spool import LOG, PRIVATE_MODE, log_path
from backend.process.tree import remove_tree

KEEP_SIZE, PUNCH_HOLE = 0x01, 0x02
"""Modes of fallocate(2), from linux/falloc.h."""

LARGEST_OFFSET = 2**63 - 1
_SIDECAR = f"{LOG}.cut"

LINE_SEARCH = 64 * 1024
"""Bytes that are searched for the end of a line, so that the cut begins and ends with whole lines."""


class CutError(Exception):
    """The file system of the spool cannot give back the middle of a file; the text is its reason."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Bytes of a log that are no longer there: from ``start`` up to, without, ``end``."""

    start: int
    end: int

    @property
    def notice(self) -> str:
        """What a reader shows in their place."""
        return f"… {format_bytes(self.end - self.start)} cut here: the log was over its limit …"

    def holds(self, offset: int) -> bool:
        """Whether there is nothing to read at ``offset``."""
        return self.start <= offset < self.end

    def room(self, offset: int, wanted: int) -> int:
        """How many of ``wanted`` bytes from ``offset`` on come before the cut."""
        return min(wanted, self.start - offset) if offset < self.start else wanted


def read_cut(folder: str, size: int = LARGEST_OFFSET) -> Cut | None:
    """What was cut out of the log of ``size`` bytes in an allocation's folder, None for a whole one.

    Cheap: ask before every read. A cut beyond the end is of a log that the job has emptied since, or its own invention.
    """
    try:
        start, end = (int(word) for word in read_within(folder, _SIDECAR, 64).split())
    except (OSError, ValueError):
        return None
    return Cut(start, end) if 0 <= start < end <= size else None


def trim(folder: str, limit: int) -> Cut | None:
    """Cut the middle out of the log in ``folder`` if it takes more than ``limit`` bytes on the disk; what was cut now.

    A quarter of the limit is kept of the beginning and a half of the end, so that the next cut is some way off.
    A log that is gone, or no plain file of its own, is left alone. Raises CutError.
    """
    try:
        with _opened(log_path(folder)) as (fd, info):
            if info is None:
                return None
            return _trim(fd, info, folder, limit)
    except FileNotFoundError:
        return None


@contextmanager
def _opened(path: str) -> Iterator[tuple[int, os.stat_result | None]]:
    """The log to write to; without a stat when a job has put something else in its place, which is not ours to cut."""
    try:
        fd = open_plain(path, os.O_RDWR)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EACCES):
            yield -1, None
            return
        raise
    try:
        info = os.fstat(fd)
        yield fd, info if info.st_nlink == 1 else None
    finally:
        os.close(fd)


def _trim(fd: int, info: os.stat_result, folder: str, limit: int) -> Cut | None:
    former = read_cut(folder)
    if former is not None and info.st_size < former.end:  # the job has emptied its log and begun anew
        _clear(_sidecar(folder))
        former = None
    if info.st_blocks * 512 <= limit:
        return None
    cut = _choose(fd, info.st_size, limit, former)
    if cut is None:
        return None
    # Named first: after a crash in between, readers miss what is about to go, and the next pass finishes it.
    _name(folder, cut)
    try:
        _punch(fd, cut)
    except CutError:
        _restore(folder, former)
        raise
    return cut


def _choose(fd: int, size: int, limit: int, former: Cut | None) -> Cut | None:
    start = former.start if former else _before(fd, limit // 4)
    end = _after(fd, size - limit // 2)
    return Cut(start, end) if end > max(start, former.end if former else 0) else None


def _before(fd: int, offset: int) -> int:
    """The beginning of the line at ``offset``; ``offset`` itself in a very long line."""
    first = max(0, offset - LINE_SEARCH)
    newline = os.pread(fd, offset - first, first).rfind(b"\n")
    return offset if newline < 0 else first + newline + 1


def _after(fd: int, offset: int) -> int:
    """The beginning of the next line after ``offset``; ``offset`` itself in a very long line."""
    newline = os.pread(fd, LINE_SEARCH, max(0, offset)).find(b"\n")
    return offset if newline < 0 else max(0, offset) + newline + 1


def _punch(fd: int, cut: Cut) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    fallocate = getattr(libc, "fallocate64", None) or libc.fallocate  # musl has the latter alone, with 64 bits
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    while fallocate(fd, KEEP_SIZE | PUNCH_HOLE, cut.start, cut.end - cut.start) != 0:
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise CutError(os.strerror(number))


def _sidecar(folder: str) -> Path:
    return Path(folder, _SIDECAR)


def _name(folder: str, cut: Cut) -> None:
    new = _sidecar(folder).with_suffix(".cut-new")
    _clear(new)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_MODE)
    try:
        os.write(fd, f"{cut.start} {cut.end}\n".encode())
    finally:
        os.close(fd)
    try:
        new.rename(_sidecar(folder))
    except IsADirectoryError:
        _clear(_sidecar(folder))
        new.rename(_sidecar(folder))


def _clear(path: Path) -> None:
    """Remove whatever is there: a job may have made it."""
    try:
        path.unlink(missing_ok=True)
    except IsADirectoryError:
        remove_tree(str(path))


def _restore(folder: str, former: Cut | None) -> None:
    if former is not None:
        _name(folder, former)
    else:
        _clear(_sidecar(folder))


class LogReader:
    """Reads a log from ``position`` on, with a line where its middle was cut out."""

    def __init__(self, fd: int, folder: str, position: int = 0) -> None:
        self._fd, self._folder, self.position = fd, folder, position

    def read(self, most: int) -> bytes:
        """The next bytes, at most ``most`` of the log's own; nothing at its end."""
        while True:
            cut = self._cut()
            if cut is not None and cut.holds(self.position):
                return self._step_over(cut)
            data = os.pread(self._fd, cut.room(self.position, most) if cut else most, self.position)
            if self._cut() == cut:  # else these may be zeroes already
                self.position += len(data)
                return data

    def _cut(self) -> Cut | None:
        return read_cut(self._folder, os.fstat(self._fd).st_size)

    def _step_over(self, cut: Cut) -> bytes:
        within_line = self.position > 0 and os.pread(self._fd, 1, self.position - 1) != b"\n"
        missed = Cut(self.position, cut.end)
        self.position = cut.end
        return ("\n" * within_line + missed.notice + "\n").encode()

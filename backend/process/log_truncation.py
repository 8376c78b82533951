"""A log that grew too large loses its middle, while the job goes on writing.

The job writes straight into the file, so nobody stands in between to stop it. What is cut out is given back to the
disk as a hole (fallocate(2), FALLOC_FL_PUNCH_HOLE): size and offsets stay, the job's own descriptor notices nothing.
A small file beside the log names the range; readers show a line in its place instead of zeroes.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from jobwarden.backend.domain.units import format_bytes
from jobwarden.backend.files import open_plain, read_within
from jobwarden.backend.process.spool import LOG, PRIVATE_MODE, log_path
from jobwarden.backend.process.tree import remove_tree

KEEP_SIZE, PUNCH_HOLE = 0x01, 0x02
"""Modes of fallocate(2), from linux/falloc.h."""

LARGEST_OFFSET = 2**63 - 1
_SIDECAR = f"{LOG}.cut"

LINE_SEARCH = 64 * 1024
"""Bytes that are searched for the end of a line, so that the cut begins and ends with whole lines."""


class CutError(Exception):
    """The file system of the spool cannot give back the middle of a file; the text is its reason."""


class Why(StrEnum):
    """Why a log was cut."""

    LIMIT = "limit"
    DISK = "disk"


_SAID = {Why.LIMIT: "the log was over its limit", Why.DISK: "the disk was almost full"}


@dataclass(frozen=True, slots=True)
class Cut:
    """Bytes of a log that are no longer there: from ``start`` up to, without, ``end``; ``why`` is the latest reason."""

    start: int
    end: int
    why: Why = Why.LIMIT

    @property
    def notice(self) -> str:
        """What a reader shows in their place."""
        return f"… {format_bytes(self.end - self.start)} cut here: {_SAID[self.why]} …"

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
        start, end, *why = read_within(folder, _SIDECAR, 64).decode("ascii").split()
        cut = Cut(int(start), int(end), Why(why[0]) if why else Why.LIMIT)
    except (OSError, ValueError):
        return None
    return cut if 0 <= cut.start < cut.end <= size else None


def log_use(folder: str) -> int | None:
    """Bytes that the log in ``folder`` takes on the disk; None when there is none. Cheap: ask as often as you like."""
    try:
        info = os.lstat(log_path(folder))
    except OSError:
        return None
    return info.st_blocks * 512 if stat.S_ISREG(info.st_mode) else None


def trim(folder: str, limit: int, keep: int | None = None, why: Why = Why.LIMIT) -> Cut | None:
    """Cut the middle out of the log in ``folder`` if it takes more than ``limit`` bytes on the disk; what was cut now.

    About ``keep`` bytes stay, unless told otherwise three quarters of the limit, so that the next cut is some way off:
    a quarter of the limit is kept of the beginning, the rest of the end. A log that is gone, or no plain file of its
    own, is left alone. Raises CutError.
    """
    try:
        with _opened(log_path(folder)) as (fd, info):
            if info is None:
                return None
            return _trim(fd, info, folder, limit, limit - limit // 4 if keep is None else keep, why)
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


def _trim(fd: int, info: os.stat_result, folder: str, limit: int, keep: int, why: Why) -> Cut | None:
    former = read_cut(folder)
    if former is not None and info.st_size < former.end:  # the job has emptied its log and begun anew
        _clear(_sidecar(folder))
        former = None
    if info.st_blocks * 512 <= limit:
        return None
    cut = _choose(fd, info.st_size, limit, keep, former, why)
    if cut is None:
        return None
    # Named first: after a crash in between, readers miss what is about to go, and the next pass finishes it.
    named = _name_if_there_is_room(folder, cut)
    try:
        _punch(fd, cut)
    except CutError:
        if named:
            _restore(folder, former)
        raise
    if not named:
        _name(folder, cut)
    return cut


def _choose(fd: int, size: int, limit: int, keep: int, former: Cut | None, why: Why) -> Cut | None:
    start = former.start if former else _before(fd, limit // 4)
    end = _after(fd, size - max(keep - start, limit // 8))
    return Cut(start, end, why) if end > max(start, former.end if former else 0) else None


def _name_if_there_is_room(folder: str, cut: Cut) -> bool:
    """On a full disk the name has no room before the cut; then readers may see zeroes for a moment, but it is made."""
    try:
        _name(folder, cut)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return False
        raise
    return True


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
        os.write(fd, f"{cut.start} {cut.end} {cut.why}\n".encode())
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


PRINT = 64
"""Bytes before a place in a log that are remembered, to notice that it was emptied and has grown again since."""


def rewritten(before: bytes, now: bytes) -> bool:
    """Whether other bytes stand where ``before`` was read; zeroes are a hole, which takes nothing else away."""
    return len(now) < len(before) or any(new not in (old, 0) for old, new in zip(before, now, strict=True))


class TruncatedLogReader:
    """Reads a log from ``position`` on, with a line where its middle was cut out.

    A log that was emptied or rewritten is read from its new beginning; ``emptied`` is told then.
    """

    def __init__(self, fd: int, folder: str, position: int = 0, emptied: Callable[[], None] = lambda: None) -> None:
        self._fd, self._folder, self.position = fd, folder, position
        self._emptied = emptied
        self._print = self._before(min(PRINT, position))

    def read(self, most: int) -> bytes:
        """The next bytes, at most ``most`` of the log's own; nothing at its end."""
        while True:
            cut = self._cut()
            if cut is not None and cut.holds(self.position):
                return self._step_over(cut)
            data = os.pread(self._fd, cut.room(self.position, most) if cut else most, self.position)
            # Asked after reading: only then are these bytes what followed the last ones.
            if self._is_anew():
                self.position, self._print = 0, b""
                self._emptied()
            elif self._cut() == cut:  # else these may be zeroes already
                self.position += len(data)
                self._print = (self._print + data)[-PRINT:]
                return data

    def _is_anew(self) -> bool:
        shrunk = os.fstat(self._fd).st_size < self.position
        return shrunk or rewritten(self._print, self._before(len(self._print)))

    def _before(self, length: int) -> bytes:
        return os.pread(self._fd, length, self.position - length)

    def _cut(self) -> Cut | None:
        return read_cut(self._folder, os.fstat(self._fd).st_size)

    def _step_over(self, cut: Cut) -> bytes:
        within_line = self.position > 0 and os.pread(self._fd, 1, self.position - 1) != b"\n"
        missed = Cut(self.position, cut.end)
        self.position, self._print = cut.end, b""
        return ("\n" * within_line + missed.notice + "\n").encode()

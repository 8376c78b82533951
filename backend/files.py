"""Opening and reading files that somebody else may have put there: never through a link, never waiting, never more
than was asked for."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFDIR: "a directory",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}


def open_plain(path: str, flags: int = os.O_RDONLY, *, dir_fd: int | None = None) -> int:
    """A descriptor of the regular file ``path``; the caller closes it.

    Raises OSError, whose text says what else is there: a link, a named pipe, a directory, a device.
    """
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=dir_fd)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            kinds = {errno.ELOOP: stat.S_IFLNK, errno.EISDIR: stat.S_IFDIR, errno.ENXIO: stat.S_IFIFO}
            raise _not_plain(path, kinds[error.errno]) from error
        raise
    try:
        mode = os.fstat(fd).st_mode
        if not stat.S_ISREG(mode):
            raise _not_plain(path, stat.S_IFMT(mode))
    except OSError:
        os.close(fd)
        raise
    return fd


@contextmanager
def opened_folder(path: str) -> Iterator[int]:
    """A descriptor of the directory itself. Raises OSError, also when its last part is a link."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def open_within(folder: str, name: str, flags: int = os.O_RDONLY) -> int:
    """As :func:`open_plain`, for a file in ``folder``, which is no link either. Needs no right to list the folder."""
    holder = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return open_plain(name, flags, dir_fd=holder)
    finally:
        os.close(holder)


def read_within(folder: str, name: str, limit: int) -> bytes:
    """The first ``limit`` bytes of a regular file in ``folder``. Raises OSError when there is none to be read."""
    fd = open_within(folder, name)
    try:
        return os.read(fd, limit)
    finally:
        os.close(fd)


def _not_plain(path: str, kind: int) -> OSError:
    return OSError(errno.EINVAL, f"it is {_KINDS.get(kind, 'something else')}, not a regular file", path)

"""The lock that whatever runs of a home holds for as long as it lives: its servers, their children, its workers.

A worker holds another on the file that names it, which tells of it alone.

An open file description lock (fcntl(2), F_OFD_SETLK): a child that inherits the descriptor shares it, the kernel drops
it with the last of them however they end, NFS passes it on to every host, and asking for it takes nothing.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobwarden.backend.embedded.home import Home, explained
from jobwarden.backend.files import open_trusted

LOCK_NAME = "owner.lock"
_FLOCK = struct.Struct("hhqqi4x")
"""struct flock: type, whence, start, length (0: to the end), pid (0 for these locks)."""


@contextmanager
def holding(home: Home) -> Iterator[int]:
    """Hold the lock with others of this installation; its descriptor, which a server may inherit to hold it longer."""
    with explained(home):
        lock = open_trusted(home.path / LOCK_NAME, os.O_RDWR | os.O_CREAT)
        try:
            share(lock)
            yield lock
        finally:
            os.close(lock)


def is_held(home: Home) -> bool:
    """Whether anything of the home lives, on any host that shares its file system; also true where nothing can tell."""
    return is_locked(home.path / LOCK_NAME)


def is_locked(file: Path) -> bool:
    """Whether any process holds the lock of ``file``; False when there is none. Raises Untrusted and OSError."""
    try:
        lock = open_trusted(file, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        found = fcntl.fcntl(lock, fcntl.F_OFD_GETLK, asked)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return True
    finally:
        os.close(lock)
    return bool(_FLOCK.unpack(found)[0] != fcntl.F_UNLCK)


_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)
"""What a file system answers that knows no locks."""


def share(lock: int) -> None:
    """Hold the lock of the open file for as long as this descriptor lives, anywhere. Raises OSError."""
    try:
        fcntl.fcntl(lock, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0))
    except OSError as error:
        if error.errno not in _NO_LOCKS:  # without locks the record of the owner alone must do
            raise

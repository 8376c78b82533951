"""The directory of one installation: where its parts lie, and who may change it."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import pwd
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.errors import InputError, JobwardenError, Refused, Unavailable
from backend.settings import Settings

SOCKET_PATH_LIMIT = 107
"""Bytes of a Unix socket's path (unix(7): 108 with the closing NUL)."""

LONGEST_SOCKET = ".s.PGSQL.5432"
LOCK_TIMEOUT_SECONDS = 120.0
LOCK_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one installation. ``sockets`` is ``run``, or a short directory when that path is too long."""

    path: Path
    sockets: Path

    @property
    def run(self) -> Path:
        """Locks, process ids and (usually) sockets."""
        return self.path / "run"

    @property
    def log(self) -> Path:
        """Logs of the servers and of the workers."""
        return self.path / "log"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's data directory."""
        return self.path / "valkey"

    @property
    def wanted(self) -> Path:
        """Exists while the servers are meant to run: from ``up`` to ``down``, across crashes and reboots."""
        return self.run / "wanted"


def locate(settings: Settings) -> Home:
    """The home of ``settings``, touching nothing. Raises InputError when no short enough socket path is left."""
    path = Path(os.path.realpath(settings.home))
    if _fits(path / "run"):
        return Home(path, path / "run")
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    sockets = (settings.socket_dir or Path("/tmp")) / f"jobwarden-{os.geteuid()}-{digest}"
    if not _fits(sockets):
        raise InputError(f"{sockets} is no place for a socket (107 bytes at most): set a shorter JOBWARDEN_SOCKET_DIR")
    return Home(path, sockets)


def prepare(home: Home) -> None:
    """Create what is missing of the home, private to its owner.

    Raises Refused when the place cannot be written or belongs to somebody else.
    """
    with explained(home):
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(home.path)
        for folder in (home.run, home.log, home.sockets):
            folder.mkdir(mode=0o700, exist_ok=True)
        _check_private(home.sockets)


@contextmanager
def exclusive(home: Home) -> Iterator[None]:
    """Hold the lock under which servers of this home are started and stopped."""
    with explained(home):
        lock = os.open(home.run / "servers.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(lock, home)
        yield
    finally:
        os.close(lock)


@contextmanager
def explained(home: Home) -> Iterator[None]:
    """Turn an OSError about the home into the one line that says what to do."""
    try:
        yield
    except OSError as error:
        raise _explanation(error, home) from error


def owner_name(uid: int) -> str:
    """The login name of ``uid``, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _fits(folder: Path) -> bool:
    """Whether every socket in ``folder`` can be bound, and named in a libpq URL and in postgresql.conf."""
    text = str(folder / LONGEST_SOCKET)
    return len(os.fsencode(text)) <= SOCKET_PATH_LIMIT and re.search(r"[,'\"\\\x00-\x1f]", text) is None


def _lock(lock: int, home: Home) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"another jobwarden has been starting or stopping the servers of {home.path} for"
                    f" {LOCK_TIMEOUT_SECONDS:.0f} s: end it and try again"
                ) from None
            time.sleep(LOCK_POLL_SECONDS)


def _check_owner(path: Path) -> None:
    """Servers started by another user would leave files behind that the owner cannot use."""
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise Refused(f"{path} belongs to {owner_name(owner)}: run jobwarden as that user or set JOBWARDEN_HOME")


def _check_private(folder: Path) -> None:
    """Whoever can reach the sockets can do everything; in /tmp somebody else may have come first."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Refused(f"{folder} belongs to somebody else: set JOBWARDEN_SOCKET_DIR to a directory of your own")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def _explanation(error: OSError, home: Home) -> JobwardenError:
    advice = {
        errno.EROFS: "is on a read-only file system: set JOBWARDEN_HOME to a place that can be written",
        errno.ENOSPC: "is on a full disk: free some space or set JOBWARDEN_HOME",
        errno.EDQUOT: "is over its disk quota: free some space or set JOBWARDEN_HOME",
        errno.EACCES: "cannot be used by this user: set JOBWARDEN_HOME to a directory of your own",
        errno.EPERM: "cannot be used by this user: set JOBWARDEN_HOME to a directory of your own",
        errno.ENOTDIR: "is not a directory: set JOBWARDEN_HOME to one",
        errno.EEXIST: "is not a directory: set JOBWARDEN_HOME to one",
    }
    if error.errno in advice:
        return Refused(f"{home.path} {advice[error.errno]}")
    return Refused(f"{home.path} cannot be used: {error.strerror} ({error.filename})")

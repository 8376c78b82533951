"""The directory of one installation: where its parts lie, and who may change it."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.errors import InputError, JobwardenError, Refused, Unavailable
from jobwarden.backend.files import check_folder, open_trusted, owner_name, read_trusted
from jobwarden.backend.process.spool import PASSAGE_MODE

SOCKET_PATH_LIMIT = 107
"""Bytes of a Unix socket's path (unix(7): 108 with the closing NUL)."""

LONGEST_SOCKET = ".s.PGSQL.5432"
SHARED = "shared"
"""Name of the file that says that a home is shared; others may read it."""
LOCK_TIMEOUT_SECONDS = 120.0
_WHOLE = "home.lock"
LOCK_POLL_SECONDS = 0.02
_OTHER_HOME = "run jobwarden as that user or set JOBWARDEN_HOME to a directory of your own"
_OTHER_SOCKETS = "set JOBWARDEN_SOCKET_DIR to a directory of your own"


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one installation. ``sockets`` is ``run``, or a short directory when that path is too long."""

    path: Path
    sockets: Path
    shared: bool = False
    """Whether every local user may come as far as the socket of the database."""

    @property
    def run(self) -> Path:
        """Process ids and (usually) sockets."""
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
    shared = settings.shared or _says_shared(path)
    if (settings.database_url and settings.redis_url) or _fits(path / "run"):
        return Home(path, path / "run", shared)
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    sockets = (settings.socket_dir or Path("/tmp")) / f"jobwarden-{os.geteuid()}-{digest}"
    if not _fits(sockets):
        raise InputError(f"{sockets} is no place for a socket (107 bytes at most): set a shorter JOBWARDEN_SOCKET_DIR")
    return Home(path, sockets, shared)


def share(home: Home) -> Home:
    """Note that ``home`` is open to every local user from now on. Raises Refused where they could not reach it."""
    closed = next((f for f in home.sockets.parents if f.exists() and not f.stat().st_mode & stat.S_IXOTH), None)
    if closed is not None and closed != home.path:
        raise Refused(
            f"other users cannot enter {closed}: set JOBWARDEN_HOME to a directory that all can reach,"
            " such as /var/lib/jobwarden"
        )
    with explained(home):
        os.close(open_trusted(home.path / SHARED, os.O_WRONLY | os.O_CREAT))
        (home.path / SHARED).chmod(0o644)
    return replace(home, shared=True)


def unshare(home: Home) -> Home:
    """Note that ``home`` is its owner's alone again."""
    with explained(home):
        (home.path / SHARED).unlink(missing_ok=True)
    return replace(home, shared=False)


def trusted_home(settings: Settings) -> Home:
    """The home of ``settings`` once what is there of it is in nobody else's hands; call it before every use.

    What does not exist is not missed. Raises Refused otherwise, and InputError as :func:`locate`.
    """
    home = locate(settings)
    with explained(home):
        if _there(home.path):
            _check_home(home)
        for folder in (home.run, home.log, home.postgres, home.valkey):
            if _there(folder):
                _check_part(folder, home)
        if home.sockets != home.run and _there(home.sockets):
            check_folder(home.sockets, private=not home.shared, advice=_OTHER_SOCKETS)
    return home


def prepare(home: Home) -> None:
    """Create what is missing of the home, private to its owner.

    Raises Refused when the place cannot be written or belongs to somebody else.
    """
    with explained(home):
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_home(home)
        _check_owner(home.path)
        for folder in (home.run, home.log, home.sockets):
            folder.mkdir(mode=0o700, exist_ok=True)
            check_folder(folder, advice=_OTHER_SOCKETS if folder == home.sockets else "")
            mode = PASSAGE_MODE if home.shared and folder == home.sockets else 0o700
            if stat.S_IMODE(folder.lstat().st_mode) != mode:
                folder.chmod(mode)
        if home.shared and not home.path.stat().st_mode & stat.S_IXOTH:
            home.path.chmod(PASSAGE_MODE)


def _says_shared(path: Path) -> bool:
    try:
        (path / SHARED).lstat()
    except OSError:  # also of a home that may not even be entered: that one is not shared
        return False
    return True


def is_guest(home: Home) -> bool:
    """Whether the home is another user's: its database may be used if that one shares it, and nothing else."""
    with explained(home):
        return _there(home.path) and home.path.stat().st_uid != os.geteuid()


def is_wanted(home: Home) -> bool:
    """Whether the servers are meant to run. Unlike Path.exists, a directory that cannot be searched is an error."""
    try:
        read_trusted(home.wanted)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def want(home: Home) -> None:
    """Note that the servers are meant to run."""
    os.close(open_trusted(home.wanted, os.O_WRONLY | os.O_CREAT))


@contextmanager
def exclusive(home: Home) -> Iterator[None]:
    """Hold the lock under which servers of this home are started and stopped, for seconds."""
    with _held(home, "servers.lock"):
        yield


@contextmanager
def sole(home: Home, inherited: int | None = None) -> Iterator[int]:
    """Hold the lock under which a whole installation comes up or goes down, worker included; its descriptor.

    It outlives its holder in a child that inherits the descriptor: whoever starts a worker in the background hands it
    the lock, so that nobody can take the installation down unaware of a worker that is not yet to be seen. The kernel
    drops it with the last of them, however they end. ``inherited`` is such a descriptor: it is given back at the end.
    Servers are started and stopped (:func:`exclusive`) within it, never the other way round.
    """
    if inherited is None:
        with _held(home, _WHOLE) as lock:
            yield lock
        return
    try:
        ours = os.path.samestat(os.fstat(inherited), (home.path / _WHOLE).stat())
    except OSError:
        ours = False
    if not ours:
        raise InputError(f"descriptor {inherited} is not the lock of {home.path}")
    os.set_inheritable(inherited, False)  # not for the servers and the jobs
    try:
        yield inherited
    finally:
        os.close(inherited)


@contextmanager
def explained(home: Home) -> Iterator[None]:
    """Turn an OSError about the home into the one line that says what to do."""
    try:
        yield
    except OSError as error:
        raise _explanation(error, home) from error


@contextmanager
def _held(home: Home, name: str) -> Iterator[int]:
    """In the home itself: ``run`` may be mounted apart, where others who use these data would not see the lock."""
    with explained(home):
        lock = open_trusted(home.path / name, os.O_RDWR | os.O_CREAT)
    try:
        _lock(lock, home)
        yield lock
    finally:
        os.close(lock)


def _check_home(home: Home) -> None:
    if not home.path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(home.path))
    check_folder(home.path, advice=_OTHER_HOME)


def _check_part(folder: Path, home: Home) -> None:
    """The secret parts; PostgreSQL's may be a stand-in's, who has no other way to it than through ours."""
    found = folder.lstat()
    if folder == home.postgres and stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077:
        return
    check_folder(folder)


def _there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


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
                    f"another jobwarden has been starting or stopping {home.path} for"
                    f" {LOCK_TIMEOUT_SECONDS:.0f} s: end it and try again"
                ) from None
            time.sleep(LOCK_POLL_SECONDS)


def _check_owner(path: Path) -> None:
    """Servers started by another user would leave files behind that the owner cannot use."""
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise Refused(f"{path} belongs to {owner_name(owner)}: run jobwarden as that user or set JOBWARDEN_HOME")


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

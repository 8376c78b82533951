"""Opening files that somebody else may have made or changed: never through a link, never waiting, never trusted.

And waiting for descriptors, however large their numbers are.
"""

import errno
import grp
import os
import pwd
import select
import shlex
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jobwarden.backend.errors import Refused

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFDIR: "a directory",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}


def readable(descriptors: Iterable[int], seconds: float | None) -> set[int]:
    """Those that can be read within ``seconds`` (None waits for as long as it takes), none when the time is up.

    With poll(2): select(2) takes no descriptor above 1023, and a worker has one for each of its jobs.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(None if seconds is None else max(0.0, seconds) * 1000)}


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


# Looking at a path of ours before it is used: nobody but this user and root could have made, changed or replaced it.
#
# Every check is of what is there at this moment, so it belongs before each use and not once at the start. A violation
# is one line that names the path, what is wrong with it, and the command that mends it.

FILE_LIMIT_BYTES = 1 << 20
_LINKS = 40
"""As many symbolic links as the kernel follows (path_resolution(7))."""
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Untrusted(Refused):
    """Somebody else could have had a hand in a path that we were about to use."""


def trusted_users() -> frozenset[int]:
    """Whose files are as good as our own: root could do everything anyway."""
    return frozenset({0, os.geteuid()})


def owner_name(uid: int) -> str:
    """The login name of ``uid``, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def read_trusted(path: Path, *, limit: int = FILE_LIMIT_BYTES, owners: Collection[int] | None = None) -> bytes:
    """The content of a regular file of ours; never waits for anybody, whatever lies there.

    Raises Untrusted for anything else and for more than ``limit`` bytes, OSError (also for NUL in the path).
    """
    fd = open_trusted(path, os.O_RDONLY, owners=owners)
    with os.fdopen(fd, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Untrusted(f"{path} has more than {limit >> 10} KiB: it is not a file of jobwarden, remove it")
    return content


def open_trusted(path: Path, flags: int, *, owners: Collection[int] | None = None) -> int:
    """A descriptor of a regular file of ours; with O_CREAT it is made if need be, private to its owner.

    A link is not followed. Raises Untrusted and OSError as :func:`read_trusted`.
    """
    _named(path)
    try:
        check_file(path.lstat(), path, owners)  # before opening: opening alone does things to some devices
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        check_file(os.fstat(fd), path, owners)
    except Untrusted:
        os.close(fd)
        raise
    return fd


def check_file(found: os.stat_result, path: Path, owners: Collection[int] | None = None) -> None:
    """Raise Untrusted unless ``found``, which is at ``path``, is a regular file that only ``owners`` can write."""
    if not stat.S_ISREG(found.st_mode):
        raise Untrusted(f"{path} is {_kind(found.st_mode)} and no file: remove it, or name another")
    _check_hands(found, path, owners)


def check_folder(path: Path, *, private: bool = False, advice: str = "") -> None:
    """Raise Untrusted unless ``path`` is a folder (no link to one) of ours that nobody else can write to.

    With ``private`` nobody else may even look into it. ``advice`` says what to do where no command mends it. Raises
    OSError when it cannot be looked at.
    """
    _named(path)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise Untrusted(f"{path} is not a directory but {_kind(found.st_mode)}: {advice or 'remove it'}")
    _check_hands(found, path, None, advice)
    if private and stat.S_IMODE(found.st_mode) & 0o077:
        raise Untrusted(f"others can look into {path}: `chmod go-rwx {shlex.quote(str(path))}`")


def real_path(path: Path) -> Path:
    """Where ``path`` really lies, once nobody else can replace it: neither a folder nor a link on the way.

    Raises Untrusted for a folder in which somebody else may exchange what is on the way, and OSError.
    """
    _named(path)
    *folders, last = _way(Path(os.path.abspath(path)))  # noqa: PTH100 (the links are followed below)
    for folder in folders:
        found = folder.lstat()
        if found.st_uid not in trusted_users():
            raise Untrusted(
                f"{folder} belongs to {owner_name(found.st_uid)}, who can replace {path}:"
                " put it below a directory of your own"
            )
        if stat.S_ISDIR(found.st_mode) and not found.st_mode & stat.S_ISVTX and _others_write(found):
            raise Untrusted(f"others can write to {folder} and replace {path}: `chmod go-w {shlex.quote(str(folder))}`")
    return last


def _way(path: Path) -> Iterator[Path]:
    """Each folder and each link that is passed on the way, and at last what is found there."""
    parts = list(reversed(path.parts[1:]))
    here, links = Path("/"), 0
    while parts:
        yield here
        part = parts.pop()
        here = here.parent if part == ".." else here / part
        if here.is_symlink():
            yield here
            links += 1
            if links > _LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            target = here.readlink()
            parts += reversed(target.parts[1:] if target.is_absolute() else target.parts)
            here = Path("/") if target.is_absolute() else here.parent
    yield here


def _named(path: Path) -> None:
    """Python itself raises ValueError for such a path."""
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "a path cannot hold a NUL", str(path))


def _check_hands(found: os.stat_result, path: Path, owners: Collection[int] | None, advice: str = "") -> None:
    if found.st_uid not in (trusted_users() if owners is None else owners):
        mend = advice or f"remove it, or `chown {os.geteuid()} {shlex.quote(str(path))}` after a look at it"
        raise Untrusted(f"{path} belongs to {owner_name(found.st_uid)}: {mend}")
    if found.st_mode & _WRITABLE_BY_OTHERS:
        shared = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        mend = advice if shared and advice else f"`chmod go-w {shlex.quote(str(path))}` after a look at it"
        raise Untrusted(f"others can write to {path}: {mend}")


def _others_write(found: os.stat_result) -> bool:
    """Whether somebody else may; a group that this user has for itself alone, or root's, is nobody else."""
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and found.st_gid != 0 and not _alone_in(found.st_gid)


def _alone_in(gid: int) -> bool:
    try:
        me, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return me.pw_gid == gid and group.gr_name == me.pw_name and not set(group.gr_mem) - {me.pw_name}


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a symbolic link",
        stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFREG: "a file",
    }  # fmt: skip
    return kinds.get(stat.S_IFMT(mode), "something else")

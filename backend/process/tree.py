"""Directory trees that somebody else has built: as deep, as large and as odd as he liked. Nothing here recurses, no
link is followed, and however deep a tree is, two or three descriptors are enough."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(name: str, dir_fd: int | None = None) -> None:
    """Delete ``name`` with all that is in it; no error when it is gone already.

    Folders inside are moved up into ``name`` and emptied there one after another. Raises OSError, the first one, for
    what cannot be deleted; the rest is deleted all the same.
    """
    try:
        top = _enter(name, dir_fd)
    except FileNotFoundError:
        return
    try:
        removal = _Removal(top)
        removal.empty("")
        while removal.waiting:
            removal.empty(removal.waiting.pop())
    finally:
        os.close(top)
    if removal.errors:
        raise removal.errors[0]
    with suppress(FileNotFoundError):
        os.rmdir(name, dir_fd=dir_fd)


class _Removal:
    """One tree that is being deleted: its top, the folders in that which are still to be emptied, what went wrong."""

    def __init__(self, top: int) -> None:
        self._top, self._number = top, 0
        self.waiting: list[str] = []
        self.errors: list[OSError] = []

    def empty(self, name: str) -> None:
        """Delete the files of the folder ``name`` in the top, move its folders there, delete it. ``""``: the top."""
        with self._noting():
            fd = _enter(name, self._top) if name else os.dup(self._top)
            try:
                with os.scandir(fd) as entries:
                    found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
                for entry, is_folder in found:
                    with self._noting():
                        self._clear(fd, entry, is_folder, at_top=not name)
            finally:
                os.close(fd)
            if name:
                os.rmdir(name, dir_fd=self._top)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            return  # somebody else was faster
        except OSError as error:
            if not self.errors:
                self.errors.append(error)

    def _clear(self, fd: int, entry: str, is_folder: bool, *, at_top: bool) -> None:
        if not is_folder:
            os.unlink(entry, dir_fd=fd)
        elif at_top:
            self.waiting.append(entry)
        else:
            self._move_up(fd, entry)

    def _move_up(self, fd: int, name: str) -> None:
        _make_writable(name, fd)  # to move a folder is to write to it
        while True:
            self._number += 1
            fresh = f".removed-{self._number}"
            try:
                os.rename(name, fresh, src_dir_fd=fd, dst_dir_fd=self._top)
            except OSError as error:
                if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                    continue  # that name is in use
                raise
            self.waiting.append(fresh)
            return


def _enter(name: str, dir_fd: int | None) -> int:
    """Open a folder, giving ourselves the rights to its content where its owner has taken them away."""
    _make_writable(name, dir_fd)
    return os.open(name, _FOLDER, dir_fd=dir_fd)


def _make_writable(name: str, dir_fd: int | None) -> None:
    fd = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        if mode & 0o700 != 0o700:
            with suppress(PermissionError):  # another user's: what follows says what is not permitted
                Path(f"/proc/self/fd/{fd}").chmod(mode | 0o700)
    finally:
        os.close(fd)


def walk(name: str, dir_fd: int | None = None) -> Iterator[os.stat_result]:
    """The stat of everything in the tree ``name``, itself included, in no order that matters.

    What vanishes, moves or cannot be read while it is looked at is left out. Raises OSError when ``name`` is no folder.
    """
    fd = os.open(name, _FOLDER, dir_fd=dir_fd)
    try:
        yield os.fstat(fd)
        levels = [_Level(fd)]
        while levels:
            level = levels[-1]
            yield from level.files
            level.files = []
            if level.folders:
                fd = _down(fd, level.folders.pop(), levels)
                if levels[-1] is not level:
                    yield os.fstat(fd)
                continue
            levels.pop()
            if levels:
                fd = _up(fd, levels)
    finally:
        os.close(fd)


class _Level:
    """One folder on the way down: which it is, what is still to be looked at."""

    def __init__(self, fd: int) -> None:
        info = os.fstat(fd)
        self.identity = (info.st_dev, info.st_ino)
        self.files: list[os.stat_result] = []
        self.folders: list[str] = []
        with suppress(OSError), os.scandir(fd) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        self.folders.append(entry.name)
                    else:
                        self.files.append(entry.stat(follow_symlinks=False))


def _down(fd: int, name: str, levels: list[_Level]) -> int:
    """Go into the folder ``name``; the descriptor we are at now, which stays the same for one that cannot be read."""
    try:
        inner = os.open(name, _FOLDER, dir_fd=fd)
    except OSError:
        return fd
    os.close(fd)
    levels.append(_Level(inner))
    return inner


def _up(fd: int, levels: list[_Level]) -> int:
    """Go back to the folder above; when somebody has moved ours elsewhere meanwhile, the walk is over."""
    try:
        above = os.open("..", _FOLDER, dir_fd=fd)
    except OSError:
        levels.clear()
        return fd
    os.close(fd)
    info = os.fstat(above)
    if (info.st_dev, info.st_ino) != levels[-1].identity:
        levels.clear()
    return above

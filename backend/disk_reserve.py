"""Room on the disk that jobs must not take: how much it is, and a file that holds some of it for our own writes.

Below the reserve the logs of jobs stop growing. A disk that is full all the same, because a job writes its data there,
gives up the file: then PostgreSQL, `kill`, `cleanup` and `up` have that much to work with.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.files import open_trusted

FILE = "reserve"
MOST_OF_THE_DISK = 0.1
"""A larger share of a small disk is not kept free."""
ROOM_AGAIN = 1.25
"""That many times the reserve must be free before the logs grow again: no turning on and off at the border."""
HELD = 4
"""One of so many parts of the reserve is held by the file."""
FULL = 4
"""With less free than one of so many parts of the file, it is given up."""


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """Bytes of one file system: what ordinary users may still take, and what is to stay free."""

    free: int
    reserve: int

    @property
    def short(self) -> bool:
        """Whether the logs of jobs must stop growing."""
        return self.free < self.reserve

    @property
    def enough(self) -> bool:
        """Whether they may grow again; between the two it stays as it was."""
        return self.free >= self.reserve * ROOM_AGAIN


def room(settings: Settings, place: Path | None = None) -> DiskRoom:
    """The room where ``place`` (the home by default) lies, or would lie. Raises OSError."""
    path = settings.home if place is None else place
    try:
        info = os.statvfs(path)
    except FileNotFoundError:
        info = os.statvfs(next(one for one in path.parents if one.exists()))
    reserve = min(settings.disk_reserve_mb << 20, int(info.f_blocks * info.f_frsize * MOST_OF_THE_DISK))
    return DiskRoom(info.f_bavail * info.f_frsize, reserve)


def give_up_when_full(settings: Settings) -> bool:
    """Remove the file if the disk of the home is full; whether it was there. Raises OSError, Untrusted."""
    path = settings.home / FILE
    try:
        held = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if held.st_uid != os.geteuid() or room(settings).free >= held.st_size // FULL:
        return False
    path.unlink(missing_ok=True)
    return True


def hold(settings: Settings) -> bool:
    """Make the file, or make it the size it should have, when there is more than the reserve besides; whether it was.

    Raises OSError, Untrusted.
    """
    path, now = settings.home / FILE, room(settings)
    wanted = now.reserve // HELD
    there = path.lstat().st_size if path.exists() else 0
    if there == wanted:
        return False
    if wanted == 0:
        path.unlink(missing_ok=True)
        return False
    if now.free + there < now.reserve * ROOM_AGAIN + wanted:
        return False
    path.unlink(missing_ok=True)
    fd = open_trusted(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        os.posix_fallocate(fd, 0, wanted)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)
    return True

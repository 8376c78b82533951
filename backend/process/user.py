"""The Unix user that a job runs as: who that is, and who it may not be.

The user comes from the login of the database session that submitted the job, never from what the job says of itself
(Slurm and at(1) take the authenticated owner, too). The supervisor changes to him just before it starts the script.
"""

import os
import pwd
import time
from dataclasses import dataclass
from pathlib import Path

from jobwarden.backend.errors import LaunchError

MOST_GROUPS = 1024
"""Groups of a user that shim.c has room for."""
SHADOW = Path("/etc/shadow")
STANDARD_PATH = "/usr/local/bin:/usr/bin:/bin"
_DAY = 86400


@dataclass(frozen=True, slots=True)
class JobUser:
    """A Unix account, as a job needs it. ``groups`` holds all of its groups, ``gid`` included."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    shell: str

    @property
    def environment(self) -> dict[str, str]:
        """What a login would set, without asking PAM: the same on every node."""
        return {
            "HOME": self.home,
            "USER": self.name,
            "LOGNAME": self.name,
            "SHELL": self.shell or "/bin/sh",
            "PATH": STANDARD_PATH,
        }


def find_user(name: str, *, login: str, allow_root: bool) -> JobUser:
    """The account ``name`` of this host, for a job that the database user ``login`` submitted.

    Raises LaunchError for an account that is unknown, locked or expired, and for uid 0 unless ``allow_root``.
    """
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):  # ValueError: a NUL in the name
        raise LaunchError(
            "user", f"this node has no user {name!r} for the login {login!r}: `jobwarden users map` gives it another"
        ) from None
    if entry.pw_uid == 0 and not allow_root:
        raise LaunchError("user", f"the login {login!r} would run as root: that needs the setting allow_root_jobs")
    if (why := locked(name)) is not None:
        raise LaunchError("user", f"the account {name!r} of this node is {why}")
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    if len(groups) > MOST_GROUPS:
        raise LaunchError("user", f"the account {name!r} is in more than {MOST_GROUPS} groups")
    return JobUser(entry.pw_name, entry.pw_uid, entry.pw_gid, tuple(groups), entry.pw_dir, entry.pw_shell)


def locked(name: str) -> str | None:
    """Why the administrator has shut the account ``name``; None when it is open, or no shadow file can tell.

    Shut is an account that has expired, or whose password was locked (passwd -l puts ``!`` before it). An account that
    never had a password, as of a service or of somebody who uses keys, is open.
    """
    fields = _shadow(name)
    if fields is None or len(fields) < 8:
        return None
    if fields[7].isdigit() and int(fields[7]) * _DAY <= time.time():
        return "expired"
    return "locked" if fields[1].startswith("!") and len(fields[1].strip("!*")) > 1 else None


def _shadow(name: str) -> list[str] | None:
    try:
        lines = SHADOW.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    return next((fields for line in lines if (fields := line.split(":"))[0] == name), None)

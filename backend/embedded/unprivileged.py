"""PostgreSQL refuses to run as root, and initdb to run without a login name; here it gets neither.

A user namespace shows the process another user id while every file stays the caller's. Where namespaces are
forbidden, root can still become ``nobody`` for the server alone, keeping the one capability that reaches the files.
"""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from backend.errors import Unavailable


def command_prefix(data: Path, *, real_user: bool = False) -> list[str]:
    """What to put before a PostgreSQL command that works on ``data``, which must exist, so that it agrees to run.

    ``real_user``: it has to know the users of its clients, whom it cannot tell apart in a namespace of its own.
    Hands ``data`` to ``nobody`` where that is the only way. Raises Unavailable when there is none.
    """
    if os.geteuid() != 0:
        return [] if has_login_name(os.geteuid()) else _namespace_or_fail()
    owner = data.stat().st_uid
    if owner == 0 and not real_user and namespaces_work():
        return namespace_command()
    if shutil.which("setpriv") is None:
        raise Unavailable("as root PostgreSQL needs user namespaces or the setpriv command: run as another user")
    if owner == 0:
        owner = stand_in().pw_uid
        hand_over(data, owner)
    return setpriv_command(owner)


def has_login_name(uid: int) -> bool:
    """Whether initdb will find a name for ``uid``."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


@functools.cache
def namespaces_work() -> bool:
    """Whether this user may make a user namespace with an id of its choice."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*namespace_command(), "true"], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return tried.returncode == 0


def namespace_command() -> list[str]:
    """``unshare`` with the ids of a user that exists on this machine."""
    user = stand_in()
    return ["unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}"]


def setpriv_command(uid: int) -> list[str]:
    """``setpriv`` to ``uid``, still able to reach files below directories that only root may enter."""
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *capability]


def stand_in() -> pwd.struct_passwd:
    """The user to appear as: ``nobody``, else the first ordinary one; none is ever created."""
    users = [user for user in pwd.getpwall() if user.pw_uid != 0]
    named = [user for user in users if user.pw_name == "nobody"]
    if not users:
        raise Unavailable("as root PostgreSQL needs any other user in /etc/passwd, and there is none")
    return (named or users)[0]


def hand_over(data: Path, uid: int) -> None:
    """Give ``data`` and all below it to ``uid``."""
    os.chown(data, uid, uid, follow_symlinks=False)
    for folder, folders, files in os.walk(data):
        for name in (*folders, *files):
            os.chown(Path(folder, name), uid, uid, follow_symlinks=False)


def _namespace_or_fail() -> list[str]:
    if not namespaces_work():
        raise Unavailable(f"initdb needs a login name for user {os.geteuid()}: add one to /etc/passwd")
    return namespace_command()

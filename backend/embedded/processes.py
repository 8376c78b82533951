"""Finding, ending and running the processes of the embedded servers, as a user that is not root where it must."""

from __future__ import annotations

import functools
import os
import pwd
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobwarden.backend.errors import Refused, Unavailable
from jobwarden.backend.files import owner_name, trusted_users

PROC = Path("/proc")
_CREDENTIALS = struct.Struct("3i")
"""struct ucred: process, user, group."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended, with all that it printed."""

    code: int
    output: str


def run(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None, keep: Collection[int] = ()
) -> Finished:
    """Run ``command`` to its end, private in what it creates, keeping nothing of the caller open but ``keep``.

    The output goes to memory and not to a pipe or file: a server that stays behind must not hold a pipe of the
    caller, and the message about a full disk must not need the disk.
    """
    memory = os.memfd_create("output")
    try:
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, stdout=memory, stderr=memory, umask=0o077, check=False,
            cwd=cwd, env=server_environment() | dict(env or {}), start_new_session=True, pass_fds=tuple(keep),
        )  # fmt: skip
        return Finished(done.returncode, os.pread(memory, 1 << 16, 0).decode(errors="replace"))
    finally:
        os.close(memory)


def server_environment() -> dict[str, str]:
    """The caller's environment without what would steer a server or mark it as part of a job."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JOBWARDEN_", "PG", "LC_"))}
    return kept | {"LC_ALL": "C"}


def listening(path: Path, owners: Collection[int] | None = None) -> bool:
    """Whether our server accepts connections on the Unix socket ``path``. PermissionError passes through.

    Nothing is sent. Raises Refused when it is somebody else who listens there; ``owners`` as in :func:`check_peer`.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return False
        except BlockingIOError:  # its queue is full: busy, so it lives
            _check_listener(path.lstat().st_uid, path, owners)
            return True
        check_peer(client, path, owners)
        return True


def check_peer(client: socket.socket, path: Path, owners: Collection[int] | None = None) -> None:
    """Raise Refused unless one of ``owners`` (this user or root, by default) made the socket we are connected to.

    The kernel says who called listen(2), as seen from our user namespace (unix(7), SO_PEERCRED).
    """
    _, uid, _ = _CREDENTIALS.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    _check_listener(uid, path, owners)


def _check_listener(uid: int, path: Path, owners: Collection[int] | None) -> None:
    if uid not in (trusted_users() if owners is None else owners):
        raise Refused(f"{owner_name(uid)} listens on {path} in place of our server: end that process, remove the file")


def working_in(folder: Path, names: Sequence[str]) -> list[int]:
    """Processes called one of ``names`` whose working directory is ``folder``; zombies do not count."""
    place = str(folder)
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return sorted(pid for pid in pids if _works_in(pid, place, names))


def end(pid: int, signals: Sequence[tuple[signal.Signals, float]], still: Callable[[int], bool]) -> bool:
    """Send each signal and wait its seconds for the process to end; True when it has.

    The process is held by a pidfd before ``still`` verifies it, so a reused id is never signalled.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except PermissionError:  # the call is filtered (seccomp)
        return any(_kill_and_wait(pid, number, seconds, still) for number, seconds in signals)
    try:
        if not still(pid):
            return True
        try:
            return any(_signal_and_wait(pidfd, number, seconds) for number, seconds in signals)
        except PermissionError:  # that call is filtered, or the process is another's, which the plain one tells
            return any(_kill_and_wait(pid, number, seconds, still) for number, seconds in signals)
    finally:
        os.close(pidfd)


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.01) -> bool:
    """Ask every ``pause`` seconds until ``condition`` holds; False when it never did in ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def _kill_and_wait(pid: int, number: signal.Signals, seconds: float, still: Callable[[int], bool]) -> bool:
    """Without a pidfd: looked at right before each signal."""
    if not still(pid):
        return True
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return True
    return wait_until(lambda: not still(pid), seconds)


def _signal_and_wait(pidfd: int, number: signal.Signals, seconds: float) -> bool:
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return True
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def _works_in(pid: int, place: str, names: Sequence[str]) -> bool:
    """False also for a process that ends while it is looked at, and for those of other users."""
    folder = PROC / str(pid)
    try:
        stat_line = (folder / "stat").read_text()
        name, _, rest = stat_line.partition(" (")[2].rpartition(") ")
        return name in names and not rest.startswith(("Z", "X")) and str((folder / "cwd").readlink()) == place
    except OSError:
        return False


# PostgreSQL refuses to run as root, and initdb to run without a login name; here it gets neither.
#
# A user namespace shows the process another user id while every file stays the caller's. Where namespaces are
# forbidden, root can still become ``nobody`` for the server alone, keeping the one capability that reaches the files.


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

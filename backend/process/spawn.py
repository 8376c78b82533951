"""Start the shim of a job behind its gate: where the program is, what it is told, and the errors of a start."""

import errno
import fcntl
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from os import X_OK, access
from pathlib import Path
from typing import Any

from jobwarden.backend.domain.states import REPLACED
from jobwarden.backend.errors import LaunchError, Postponed, Refused
from jobwarden.backend.process.environment import MARKS, OPEN_FILES, give_limits
from jobwarden.backend.process.identity import ProcessIdentity, read_stat, this_host
from jobwarden.backend.process.spool import PRIVATE_MODE, Folder
from jobwarden.backend.process.user import JobUser

SHIM_NAME = "jobwarden-shim"
PT_INTERP = 3
"""The kind of an ELF segment that names the loader."""


@lru_cache(maxsize=1)
def runs_without_loader() -> bool:
    """Whether the supervisor is linked statically: a loader would obey variables such as LD_PRELOAD, which are the
    job's, before the supervisor has given up the rights of its worker."""
    image = Path(shim_path()).read_bytes()
    width, start, size, count = (8, 32, 54, 56) if image[4] == 2 else (4, 28, 42, 44)  # elf(5): e_phoff, sizes
    table = int.from_bytes(image[start : start + width], sys.byteorder)
    entry, entries = (int.from_bytes(image[at : at + 2], sys.byteorder) for at in (size, count))
    kinds = (image[table + entry * index : table + entry * index + 4] for index in range(entries))
    return all(int.from_bytes(kind, sys.byteorder) != PT_INTERP for kind in kinds)


def shim_is_there() -> bool:
    """Whether the supervisor lies where it was: the program may be moved away or replaced under a running worker."""
    return access(shim_path(), X_OK)


@lru_cache(maxsize=1)
def shim_path() -> str:
    """Path of the supervisor that is every job's parent (see ``shim.c``).

    Raises Refused when it was not built, which only happens in a source tree that was never installed.
    """
    path = str(files("jobwarden.backend.process").joinpath(SHIM_NAME))
    if not access(path, X_OK):
        raise Refused(f"the job supervisor {path} is not built: run `make install`")
    return path


# Start a job's supervisor behind a closed gate: the script runs only after its pid is known to the database.

GATE_FD, VARIABLES_FD = 3, 4  # agreed with shim.c
_LOG_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
_ALL_SIGNALS = tuple(signal.valid_signals())


@dataclass(frozen=True, slots=True)
class Orders:
    """What the supervisor is told before its script may start.

    ``record_key`` seals its record. ``umask`` and ``processes`` (the most that the user of the job may have) are None
    where the worker's own stay; so is ``user``. ``open_files`` is the soft limit, which it is given from outside. A log
    of more than ``log_bytes`` on the disk grows slowly until it was cut; None for no such ceiling.
    """

    record_key: str
    umask: int | None = None
    processes: int | None = None
    user: JobUser | None = None
    open_files: int = OPEN_FILES
    log_bytes: int | None = None

    def line(self) -> bytes:
        """As shim.c reads it."""
        umask = "-" if self.umask is None else f"{self.umask:o}"
        most = "-" if self.processes is None else str(self.processes)
        who = "- - -"
        if self.user is not None:
            who = f"{self.user.uid} {self.user.gid} {','.join(map(str, self.user.groups))}"
        ceiling = "-" if self.log_bytes is None else str(self.log_bytes)
        return f"{self.record_key} {umask} {most} {ceiling} {who}\n".encode("ascii")


@dataclass(slots=True)
class Gated:
    """A started supervisor whose script waits. Owns two descriptors: give both back with the methods below."""

    pid: int
    pidfd: int
    gate_fd: int
    identity: ProcessIdentity

    def open_gate(self) -> bool:
        """Let the script run; False when the supervisor was killed meanwhile, so that it never will."""
        try:
            return os.write(self.gate_fd, b"G") == 1
        except BrokenPipeError:
            return False
        finally:
            self.close_gate()

    def give_up(self) -> None:
        """Close the gate of a supervisor that nobody will watch, and reap it: it ends at once."""
        self.close_gate()
        os.close(self.pidfd)
        os.waitpid(self.pid, 0)

    def close_gate(self) -> None:
        """Close our end of the gate. A script that was not let through is recorded as never started."""
        fd, self.gate_fd = self.gate_fd, -1
        if fd >= 0:
            os.close(fd)


def spawn(
    folder: Folder, *, arguments: Sequence[str], environment: Mapping[str, str], work_dir: str, orders: Orders
) -> Gated:
    """Start the supervisor in a session of its own, gate closed.

    Its pid is our unreaped child, so it cannot be reused before the pidfd and the start time are taken.
    Raises LaunchError when the supervisor cannot be started, Refused when it was never built.
    """
    argv = [shim_path(), folder.path, work_dir, folder.script, *arguments]
    gate_read, gate_fd = _pipe()
    variables = -1
    try:
        os.write(gate_fd, orders.line())  # a pipe has room for far more
        own = environment
        if orders.user is not None:
            variables = _in_memory(environment)
            own = {name: value for name, value in environment.items() if name in MARKS}
        pid = _posix_spawn(folder, argv, own, gate_read, variables)
    except BaseException:
        os.close(gate_fd)
        raise
    finally:
        os.close(gate_read)
        if variables >= 0:
            os.close(variables)
    try:
        return _gated(pid, gate_fd, orders.open_files)
    except OSError as error:
        os.close(gate_fd)  # the supervisor sees the gate closed and ends by itself
        os.waitpid(pid, 0)
        raise LaunchError("descriptors", f"the worker cannot watch another job: {error.strerror}") from error


def _gated(pid: int, gate_fd: int, open_files: int) -> Gated:
    give_limits(pid, open_files)
    host = this_host()
    identity = ProcessIdentity(pid, read_stat(pid).start_ticks, host.boot_id, host.pid_namespace)
    return Gated(pid, os.pidfd_open(pid), gate_fd, identity)


def _pipe() -> tuple[int, int]:
    try:
        return os.pipe()
    except OSError as error:
        raise LaunchError("descriptors", f"the worker cannot open the job's gate: {error.strerror}") from error


def _in_memory(environment: Mapping[str, str]) -> int:
    """The environment of another user's job, as a file in memory: the supervisor, which is root until it starts the
    script, passes it on and obeys none of it. Raises LaunchError for what is no environment."""
    if any(not name or "=" in name or "\0" in name + value for name, value in environment.items()):
        raise LaunchError("environment", "the environment of the job is unusable: a name is empty or has a '=' or NUL")
    try:
        low = os.memfd_create("environment", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, VARIABLES_FD + 1)  # out of the way of what goes to fixed numbers
        os.close(low)
    except OSError as error:
        raise LaunchError("descriptors", f"the worker cannot hand over an environment: {error.strerror}") from error
    with os.fdopen(os.dup(fd), "wb") as memory:
        memory.writelines(os.fsencode(f"{name}={value}") + b"\0" for name, value in environment.items())
    return fd


def _posix_spawn(
    folder: Folder, argv: list[str], environment: Mapping[str, str], gate_read: int, variables: int
) -> int:
    actions: list[tuple[Any, ...]] = [
        # First, before the descriptors below can cover it; dup2 also takes the close-on-exec mark off.
        (os.POSIX_SPAWN_DUP2, gate_read, GATE_FD),
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, folder.log, _LOG_FLAGS, PRIVATE_MODE),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    if variables >= 0:
        actions.append((os.POSIX_SPAWN_DUP2, variables, VARIABLES_FD))
    try:
        # Signals are blocked from the first instruction on: no TERM can end it between exec and its own sigprocmask.
        return os.posix_spawn(argv[0], argv, environment, file_actions=actions, setsid=True, setsigmask=_ALL_SIGNALS)
    except OSError as error:
        raise _explain(error, folder) from error
    except ValueError as error:  # a NUL byte, or '=' in the name of a variable
        raise LaunchError("environment", f"arguments or environment of the job are unusable: {error}") from error


def _explain(error: OSError, folder: Folder) -> LaunchError:
    if error.errno == errno.E2BIG:
        return LaunchError("environment", "arguments and environment of the job are too large for this system")
    if error.errno in (errno.EAGAIN, errno.ENOMEM):
        return LaunchError("fork", f"the host cannot start another process: {error.strerror}")
    if not shim_is_there():
        return Postponed("supervisor", REPLACED)
    if not Path(folder.log).exists():
        return LaunchError("log", f"cannot create the log {folder.log}: {error.strerror}")
    return LaunchError("supervisor", f"cannot run the job supervisor {shim_path()}: {error.strerror}")

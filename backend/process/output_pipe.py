"""Whether anything of a job lives that this PID namespace cannot see, told by the pipe of its output (see output.h)."""

import errno
import os
import stat

from jobwarden.backend.files import opened_folder
from jobwarden.backend.process.cgroup import group_of
from jobwarden.backend.process.identity import Liveness, ProcessIdentity, liveness, this_host
from jobwarden.backend.process.record import seal

_PREFIX = "output."


def supervisor_liveness(identity: ProcessIdentity, folder: str | None, key: str | None, cookie: str) -> Liveness:
    """Whether the supervisor of an attempt lives; GONE of one in another PID namespace of this kernel means that all of
    the job is gone."""
    seen = liveness(identity)
    host = this_host()
    if seen is not Liveness.UNKNOWN or identity.pid_namespace == host.pid_namespace or folder is None:
        return seen
    group = group_of(folder, cookie)
    if group is not None and group.populated():
        return seen
    return Liveness.GONE if nobody_holds_output(folder, key) else seen


def nobody_holds_output(folder: str, key: str | None) -> bool:
    """Whether the pipe that the supervisor made in ``folder`` is there and nobody has an end of it open.

    Only of worth on the kernel that the job ran on: there it proves that the supervisor is gone, and with it, or by
    having closed or lost their output, all processes of the job. A pipe that a job has put there is not believed.
    """
    if key is None:
        return False
    try:
        with opened_folder(folder) as fd:
            name = next((name for name in os.listdir(fd) if _is_pipe_of(name, fd, key)), None)  # noqa: PTH208
            return name is not None and _no_reader(name, fd) and _no_writer(name, fd)
    except OSError:
        return False


def _is_pipe_of(name: str, folder_fd: int, key: str) -> bool:
    if not name.startswith(_PREFIX):
        return False
    info = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    return stat.S_ISFIFO(info.st_mode) and name == _PREFIX + seal(f"pipe {info.st_ino}".encode(), key)


def _no_reader(name: str, folder_fd: int) -> bool:
    try:
        os.close(os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder_fd))
    except OSError as error:
        if error.errno == errno.ENXIO:  # fifo(7)
            return True
        raise
    return False


def _no_writer(name: str, folder_fd: int) -> bool:
    fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder_fd)
    try:
        return os.read(fd, 1) == b""
    except BlockingIOError:
        return False
    finally:
        os.close(fd)

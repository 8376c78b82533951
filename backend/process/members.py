"""Which processes belong to an allocation.

While the supervisor lives the answer is exact: it is a subreaper, so every process of the job is its descendant, also
after double forks, setsid or a scrubbed environment. When it was killed, its control group is as exact where there is
one; elsewhere three marks remain: the cookie in the environment, its session, and descent from a process that has one
of those.
"""

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from jobwarden.backend.files import opened_folder
from jobwarden.backend.process.cgroup import ControlGroup, group_of
from jobwarden.backend.process.identity import (
    TICKS_PER_SECOND,
    Liveness,
    ProcessIdentity,
    Stat,
    liveness,
    read_stat,
    this_host,
)
from jobwarden.backend.process.procfs import ProcessSnapshot, holds_open, scan
from jobwarden.backend.process.record import Record, read_record, seal


@dataclass(frozen=True, slots=True)
class Target:
    """An attempt to run a job, as the allocation knows it: supervisor, cookie, folder, and key of its record."""

    identity: ProcessIdentity
    cookie: str
    spool_dir: str
    record_key: str | None

    def record(self) -> Record | None:
        """How its script ended, once its supervisor has recorded that."""
        return read_record(self.spool_dir, self.record_key)


@dataclass(frozen=True, slots=True)
class Family:
    """The living processes of an allocation. ``suspects`` might be of the job, without proof: never signal them.

    ``group`` is its control group while processes live in it, whether or not they could be read.
    """

    shim: Stat | None
    others: tuple[Stat, ...]
    suspects: tuple[Stat, ...] = ()
    group: ControlGroup | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing that is, or might be, of the job is left."""
        return self.shim is None and not self.others and not self.suspects and self.group is None


_NOBODY = Family(None, ())


def family(
    target: Target, snapshot: ProcessSnapshot, known: Iterable[Stat] = (), gone_since: float | None = None
) -> Family:
    """The processes of ``target`` in ``snapshot``. ``known``: members seen before, whose descendants count too.

    ``gone_since``: boot clock at which the supervisor was dead and not yet reaped. Until then its pid, and so the
    number of its session, was nobody else's.
    """
    identity, host = target.identity, this_host()
    if identity.boot_id != host.boot_id or identity.pid_namespace != host.pid_namespace:
        return _NOBODY
    shim = _same(snapshot, identity.pid, identity.start_ticks)
    roots = [process for old in known if (process := _same(snapshot, old.pid, old.start_ticks))]
    group = group_of(target.spool_dir, target.cookie)
    if group is not None and not group.populated():
        group = None
    suspects: list[Stat] = []
    if group is not None:
        roots += _inside(group)
    if shim is not None:
        roots += [shim, *snapshot.sessions.get(identity.pid, ())]
    else:
        roots += snapshot.cookies.get(target.cookie, ())
        session, suspects = _session_without_leader(target, snapshot, {process.pid for process in roots}, gone_since)
        roots += session
    found = _with_descendants(snapshot, roots)
    found.pop(identity.pid, None)
    others = tuple(sorted((process for process in found.values() if not process.gone), key=_age))
    return Family(shim, others, tuple(process for process in suspects if process.pid not in found), group)


def members(target: Target, snapshot: ProcessSnapshot) -> list[Stat]:
    """All living processes of an allocation, its supervisor first."""
    found = family(target, snapshot)
    return ([found.shim] if found.shim else []) + list(found.others)


def cookie_index() -> dict[str, list[int]]:
    """The pids of every job process on this host that still shows a cookie, by cookie."""
    return {cookie: [process.pid for process in found] for cookie, found in scan().cookies.items()}


def _age(process: Stat) -> tuple[int, int]:
    """Oldest first: what an operator is shown of many."""
    return process.start_ticks, process.pid


def _inside(group: ControlGroup) -> list[Stat]:
    """The processes of a group, read anew: a snapshot misses those that came after it. Listed again at the end, so
    that no pid is taken for the next process that got it."""
    found = []
    for pid in group.pids():
        try:
            found.append(read_stat(pid))
        except OSError:
            continue  # it ended meanwhile, or is hidden: the group tells that somebody is there
    still = group.pids()
    return [process for process in found if process.pid in still]


def _same(snapshot: ProcessSnapshot, pid: int, start_ticks: int) -> Stat | None:
    process = snapshot.processes.get(pid)
    return process if process and process.start_ticks == start_ticks and not process.gone else None


def _with_descendants(snapshot: ProcessSnapshot, roots: Iterable[Stat]) -> dict[int, Stat]:
    found: dict[int, Stat] = {}
    queue = list(roots)
    while queue:
        process = queue.pop()
        if process.pid not in found:
            found[process.pid] = process
            queue += snapshot.children.get(process.pid, ())
    return found


def _session_without_leader(
    target: Target, snapshot: ProcessSnapshot, proven: set[int], gone_since: float | None
) -> tuple[list[Stat], list[Stat]]:
    """Members of the dead supervisor's session, as (proven, suspects).

    The kernel gives no new process the number of a session that has members, so a new leader under that pid means
    that our session had ended. With no leader at all the session is ours when one member provably is; otherwise it
    may be what a stranger, who once had the same pid, left behind.
    """
    leader = snapshot.processes.get(target.identity.pid)
    if leader is not None and leader.start_ticks != target.identity.start_ticks:
        return [], []
    session = [
        process
        for process in snapshot.sessions.get(target.identity.pid, ())
        if process.start_ticks >= target.identity.start_ticks and not process.gone
    ]
    latest = 0 if gone_since is None else gone_since * TICKS_PER_SECOND
    if any(
        process.start_ticks < latest or process.pid in proven or holds_open(process.pid, target.spool_dir)
        for process in session
    ):
        return session, []
    return [], session


# Whether anything of a job lives that this PID namespace cannot see, told by the pipe of its output (see output.h).

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

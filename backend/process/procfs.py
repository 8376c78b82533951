"""One look at every process of the host. Taken once per turn of a loop and shared by all who need it.

/proc cannot be read atomically: a process may end, or change its parent, while the others are being read. Whoever
acts on a snapshot verifies identities again, and whoever needs certainty takes another snapshot.
"""

import os
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from jobwarden.backend.process import cgroup
from jobwarden.backend.process.identity import Stat, elapsed_seconds, read_stat

COOKIE_VARIABLE = b"JOBWARDEN_COOKIE"
ALLOCATION_VARIABLE = b"JOBWARDEN_ALLOCATION_ID"
_READ_SIZE = 1 << 14
# A process between fork and exec still shows its parent's environment, so that a young one may yet get a cookie.
_SETTLED_SECONDS = 2.0

# Environment marks already read, by (pid, start ticks). A mark that was once seen stays true, even when scrubbed.
_marks: dict[tuple[int, int], str | None] = {}


class ProcessSnapshot:
    """The processes seen in one pass over /proc; those hidden from this user (hidepid) are missing."""

    def __init__(self, processes: dict[int, Stat]) -> None:
        self.processes = processes

    @cached_property
    def children(self) -> dict[int, list[Stat]]:
        """Processes by the pid of their parent."""
        return self._group(lambda process: process.ppid)

    @cached_property
    def sessions(self) -> dict[int, list[Stat]]:
        """Processes by session id."""
        return self._group(lambda process: process.session)

    @cached_property
    def cookies(self) -> dict[str, list[Stat]]:
        """Processes by the job cookie in their environment, or in the name of their control group. Each read once."""
        _forget_ended(self.processes)
        found: defaultdict[str, list[Stat]] = defaultdict(list)
        for process in self.processes.values():
            cookie = _mark(process)
            if cookie is not None and not process.gone:
                found[cookie].append(process)
        return dict(found)

    def _group(self, key: Callable[[Stat], int]) -> dict[int, list[Stat]]:
        groups: defaultdict[int, list[Stat]] = defaultdict(list)
        for process in self.processes.values():
            groups[key(process)].append(process)
        return dict(groups)


def scan() -> ProcessSnapshot:
    """Read /proc. Raises OSError only when /proc itself cannot be listed."""
    processes: dict[int, Stat] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 (thousands of entries: plain names are enough)
        if name.isdigit():
            try:
                stat = read_stat(int(name))
            except OSError:
                continue  # it ended meanwhile, or belongs to another user under hidepid
            processes[stat.pid] = stat
    return ProcessSnapshot(processes)


def read_cookie(pid: int) -> str | None:
    """The job cookie that ``pid`` was started with; None without one or when unreadable.

    Who scrubbed it from the environment still is in the control group of the job, where there is one.
    """
    if (cookie := _variable(pid, COOKIE_VARIABLE)) is not None:
        return cookie
    owner = cgroup.owner(pid)
    return owner[1] if owner else None


def read_allocation(pid: int) -> int | None:
    """The id of the allocation that ``pid`` says it is of; to be believed only when the cookie fits."""
    said = _variable(pid, ALLOCATION_VARIABLE)
    if said is not None and said.isdecimal() and len(said) < 19:
        return int(said)
    owner = cgroup.owner(pid)
    return owner[0] if owner else None


def _variable(pid: int, name: bytes) -> str | None:
    try:
        raw = b"\0" + _read_all(f"/proc/{pid}/environ")
    except OSError:
        return None
    _, found, rest = raw.partition(b"\0" + name + b"=")
    return os.fsdecode(rest.partition(b"\0")[0]) if found else None


def command_line(pid: int) -> str:
    """Command line of ``pid`` for people, blanks between arguments; empty when it cannot be read."""
    try:
        raw = _read_all(f"/proc/{pid}/cmdline")
    except OSError:
        return ""
    return raw.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")


def holds_open(pid: int, folder: str) -> bool:
    """Whether ``pid`` works in ``folder`` or has a file in it open, as far as this user may see."""
    prefix = f"{folder}/"
    links = [f"/proc/{pid}/cwd"]
    try:
        links += [str(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return any(f"{_link_target(link)}/".startswith(prefix) for link in links)


def _link_target(link: str) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 (kept as text: a deleted file is no path)
    except OSError:
        return ""


def _read_all(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY)
    try:
        parts = [os.read(fd, _READ_SIZE)]
        while parts[-1]:
            parts.append(os.read(fd, _READ_SIZE))
    finally:
        os.close(fd)
    return b"".join(parts)


def _mark(process: Stat) -> str | None:
    key = (process.pid, process.start_ticks)
    if key in _marks:
        return _marks[key]
    cookie = read_cookie(process.pid)
    if cookie is not None or elapsed_seconds(process.start_ticks) > _SETTLED_SECONDS:
        _marks[key] = cookie
    return cookie


def _forget_ended(processes: dict[int, Stat]) -> None:
    current = {(process.pid, process.start_ticks) for process in processes.values()}
    for key in [key for key in _marks if key not in current]:
        del _marks[key]

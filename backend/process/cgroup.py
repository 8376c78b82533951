"""A control group for each allocation, where this user may make them: nothing that a job starts can leave it unseen.

Cgroup v2 (cgroups(7), Documentation/admin-guide/cgroup-v2.rst). The supervisor starts the script right inside the
group of its allocation and stays outside itself, so that killing the group leaves it to record the end. A file in the
folder of the allocation says where the group is; the cookie in the group's name proves whose it is.

Where no group can be made everything works without: see `jobwarden.backend.process.members`.
"""

import errno
import hashlib
import logging
import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jobwarden.backend.files import read_within

POINTER = "control_group"
"""Name of the file in an allocation's folder that holds the path of its group; folder.h and shim.c know it too."""

_PARENT = re.compile(r"jobwarden-[0-9a-f]+")
_ALLOCATION = re.compile(r"(\d{1,19})\.([^/\n]+)")
_MIB = 1 << 20
_LONGEST_PATH = 4096
_NO_ANSWER = frozenset(
    (errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ESRCH, errno.EACCES, errno.ENAMETOOLONG, errno.EOPNOTSUPP)
)
"""The group is gone, hidden, deeper than a path is long, or threaded (its processes are listed above it)."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The control group of one allocation, which may be gone already."""

    path: str

    def populated(self) -> bool:
        """Whether a process lives in it, or in a group that the job made below it."""
        return "populated 1" in _read(f"{self.path}/cgroup.events")

    def pids(self) -> set[int]:
        """Its processes; 0 stands for those of a PID namespace that is not visible from here."""
        return {int(pid) for folder in self._folders() for pid in _read(f"{folder}/cgroup.procs").split()}

    def kill(self) -> bool:
        """Send KILL to all at once, also to what is being forked this moment; False before Linux 5.14."""
        return _write(f"{self.path}/cgroup.kill", "1") is None

    def out_of_memory(self) -> bool:
        """Whether the kernel killed one of its processes for want of memory. Needs the memory controller."""
        return re.search(r"^oom_kill [1-9]", _read(f"{self.path}/memory.events"), re.MULTILINE) is not None

    def remove(self) -> bool:
        """Remove it, and its parent after the last one; False when it is in use. No error when it is gone."""
        removed = all(_remove(folder) for folder in reversed(self._folders()))
        _remove(self.path.rpartition("/")[0])
        return removed

    def _folders(self) -> list[str]:
        """It and the groups below it, parents first. A job may nest its own as deep as it likes."""
        found, waiting = [], [self.path]
        while waiting:
            folder = waiting.pop()
            found.append(folder)
            waiting += [f"{folder}/{name}" for name in _subdirectories(folder)]
        return found


def group_of(folder: str, cookie: str) -> ControlGroup | None:
    """The group of the allocation with this folder and cookie; None when it has none, or the path is not its own."""
    path = _pointer(folder)
    parent, _, name = path.rpartition("/")
    found = _ALLOCATION.fullmatch(name)
    if found is None or found[2] != cookie or not _PARENT.fullmatch(parent.rpartition("/")[2]):
        return None
    ours = any(path.startswith(f"{mount}/") for _, mount in _mounts()) and os.path.normpath(path) == path
    return ControlGroup(path) if ours else None


def _pointer(folder: str) -> str:
    """What the job's folder says of its group; nothing where a job has put something else there."""
    try:
        return os.fsdecode(read_within(folder, POINTER, _LONGEST_PATH))
    except OSError:
        return ""


def owner(pid: int) -> tuple[int, str] | None:
    """Allocation id and cookie in the name of the group that ``pid`` lives in; None outside of such groups."""
    return owner_in(_read(f"/proc/{pid}/cgroup"))


def owner_in(memberships: str) -> tuple[int, str] | None:
    """The same, from the text of a process's /proc/PID/cgroup."""
    for line in memberships.splitlines():
        parts = line.split("/")
        for parent, name in zip(parts[-2::-1], parts[:0:-1], strict=False):  # the innermost one first: an installation
            found = _ALLOCATION.fullmatch(name)  # may run inside a job of another
            if found and _PARENT.fullmatch(parent):
                return int(found[1]), found[2]
    return None


class Groups:
    """Makes the groups of one node below ``parent``; None: there are none, and every method does nothing."""

    def __init__(self, parent: str | None, limit_memory: bool = False, most_processes: int = 0) -> None:
        self.parent, self._limit_memory, self._most_processes = parent, limit_memory, most_processes

    def add(self, allocation_id: int, cookie: str, memory_mb: int) -> tuple[str, bool]:
        """Make the group of an allocation: its path, and whether it bounds the processes of the job.

        What cannot be is logged and done without: then the path is empty.
        """
        if self.parent is None:
            return "", False
        path = f"{self.parent}/{allocation_id}.{cookie}"
        try:
            self._make(self.parent, path)
        except OSError as error:
            log.warning("allocation %d gets no control group: %s", allocation_id, error)
            return "", False
        if self._limit_memory and (refusal := _write(f"{path}/memory.max", str(memory_mb * _MIB))):
            log.warning("the memory of allocation %d is not limited: %s", allocation_id, refusal)
        return path, self._most_processes > 0 and _write(f"{path}/pids.max", str(self._most_processes)) is None

    def _make(self, parent: str, path: str) -> None:
        try:
            os.mkdir(path, 0o755)  # noqa: PTH102 (once per job)
        except FileNotFoundError:  # the parent went with the last group
            os.makedirs(parent, exist_ok=True)  # noqa: PTH103
            for controller in ("+memory", "+pids"):
                _write(f"{parent}/cgroup.subtree_control", controller)  # again, where it was possible before
            os.mkdir(path, 0o755)  # noqa: PTH102

    def made(self) -> dict[int, ControlGroup]:
        """The groups there are, by allocation id."""
        return {
            int(name.partition(".")[0]): ControlGroup(f"{self.parent}/{name}")
            for name in _subdirectories(self.parent)
            if name.partition(".")[0].isdecimal()
        }


def make_groups(spool: str, limit_memory: bool, most_processes: int = 0) -> Groups:
    """Groups for the node whose spool is ``spool``, below the control group of this process.

    With ``limit_memory`` each allocation also gets the memory it asked for as a limit. Then the group above ours
    serves as well, because the kernel gives controllers only to groups that have no processes of their own: it is
    the one that systemd delegates with ``DelegateSubgroup=``. ``most_processes`` bounds what one allocation may have
    where the pids controller can be had; 0: no bound. Says in the log what was found.
    """
    own = own_group()
    if own is None:
        log.info("no control groups: there is no cgroup v2 hierarchy here")
        return Groups(None)
    name = _name(spool)
    if limit_memory:
        for base in (own, own.rpartition("/")[0]):
            if _usable(base, f"{base}/{name}") is None and _with_memory(base, f"{base}/{name}"):
                log.info("each job gets a control group with its memory limit below %s/%s", base, name)
                _with_pids(base, f"{base}/{name}")
                return Groups(f"{base}/{name}", limit_memory=True, most_processes=most_processes)
        log.warning("jobs get no memory limit: the memory controller is not delegated to %s", own)
    refusal = _usable(own, f"{own}/{name}")
    if refusal is not None:
        log.info("no control groups: %s", refusal)
        return Groups(None)
    _with_memory(own, f"{own}/{name}")  # where it can be had at once, it also tells who was killed for want of memory
    _with_pids(own, f"{own}/{name}")
    log.info("each job gets a control group below %s/%s", own, name)
    return Groups(f"{own}/{name}", most_processes=most_processes)


def groups_there(spool: str) -> Groups:
    """The groups that workers with this spool have made below the control group of this process; makes none."""
    own = own_group()
    return Groups(None if own is None else f"{own}/{_name(spool)}")


def sweep(groups: Mapping[int, ControlGroup], live: Collection[int]) -> None:
    """Remove groups that no live allocation owns; one that is in use stays, its processes being strays."""
    for allocation_id, group in groups.items():
        if allocation_id not in live:
            group.remove()


def own_group() -> str | None:
    """Directory of the control group that this process is in; None without cgroup v2."""
    line = next((line for line in _read("/proc/self/cgroup").splitlines() if line.startswith("0::")), None)
    if line is None:
        return None
    inside = line.removeprefix("0::").rstrip("/")
    for root, mount in _mounts():
        root = root.rstrip("/")
        if (inside == root or inside.startswith(f"{root}/")) and Path(mount + inside[len(root) :]).is_dir():
            return mount + inside[len(root) :]
    return None


def _name(spool: str) -> str:
    """Of the group above those of a node: the spool tells two nodes, and two installations, apart."""
    return f"jobwarden-{hashlib.sha256(spool.encode()).hexdigest()[:12]}"


@lru_cache(maxsize=1)
def _mounts() -> tuple[tuple[str, str], ...]:
    """Root within the hierarchy, and mount point, of every cgroup2 file system (proc_pid_mountinfo(5))."""
    found = []
    for line in _read("/proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        if right.startswith("cgroup2 "):
            found.append((_unescaped(left.split(" ")[3]), _unescaped(left.split(" ")[4])))
    return tuple(found)


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field)


def _usable(base: str, parent: str) -> str | None:
    """Make ``parent``; why it cannot hold processes that come from ``base``, None when it can."""
    if not os.access(f"{base}/cgroup.procs", os.W_OK):
        return f"{base} is not delegated to this user"
    try:
        os.makedirs(parent, exist_ok=True)  # noqa: PTH103
    except OSError as error:
        return str(error)
    kind = _read(f"{parent}/cgroup.type").strip()
    return None if kind == "domain" else f"{parent} would be {kind or 'of an unknown type'}"


def _with_memory(base: str, parent: str) -> bool:
    """Give the groups below ``parent`` the memory controller."""
    return all(_write(f"{group}/cgroup.subtree_control", "+memory") is None for group in (base, parent))


def _with_pids(base: str, parent: str) -> bool:
    """Give the groups below ``parent`` the pids controller, where ``base`` has it to give.

    Where it does not and has processes of its own, asking would turn it into a threaded domain (cgroup-v2, "Threads"),
    in which no group of ours could hold anything: so it is asked only where memory, refused to such a group, was had.
    """
    given = _read(f"{base}/cgroup.subtree_control").split()
    if "pids" not in given and ("memory" not in given or _write(f"{base}/cgroup.subtree_control", "+pids") is not None):
        return False
    return _write(f"{parent}/cgroup.subtree_control", "+pids") is None


def _subdirectories(folder: str | None) -> list[str]:
    if folder is None:
        return []
    with suppress(OSError), os.scandir(folder) as entries:  # gone, or deeper than a path is long
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


def _remove(folder: str) -> bool:
    try:
        os.rmdir(folder)  # noqa: PTH106 (once per job)
    except FileNotFoundError:
        return True  # somebody else was faster
    except OSError:
        return False
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read(path: str) -> str:
    """The text of a control file; nothing where it is missing: a group that was removed has no processes."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 (once per process and look)
            return file.read()
    except OSError as error:
        if error.errno not in _NO_ANSWER:
            raise
        return ""


def _write(path: str, text: str) -> str | None:
    """Write a control file; why it was refused, None when it was not."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        return str(error)
    try:
        os.write(fd, text.encode())
    except OSError as error:
        return f"{error.strerror}: {path}"
    finally:
        os.close(fd)
    return None

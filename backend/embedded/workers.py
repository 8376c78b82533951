"""The worker processes of one home: the files in which they name themselves, and a look at what runs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from jobwarden.backend.config.settings import load_settings
from jobwarden.backend.embedded import home_lock
from jobwarden.backend.embedded.processes import PROC
from jobwarden.backend.errors import JobwardenError
from jobwarden.backend.files import read_trusted
from jobwarden.backend.process.identity import (
    Liveness,
    ProcessIdentity,
    identify,
    liveness,
    parse_pid,
    ran_here,
    read_stat,
    this_host,
)

_LONGEST_NAME = 255
"""Bytes of a file's name (NAME_MAX)."""
_LIMIT_BYTES = 4096
_COMMANDS = (
    ("jobwarden", "worker"),
    *(("backend.cli", "worker"), ("-m", "backend.main")),  # started by versions before the one import name
)
_kept: list[int] = []
"""Descriptors of the locked files that name this process, to its end."""
_FIRST_WORDS = 8
"""Of a command line: the interpreter and its options, then what it runs."""


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A process that is, or is about to become, the worker of a node; ``node`` is empty while it has none."""

    who: ProcessIdentity
    node: str = ""
    machine_id: str = ""
    hostname: str = ""

    @property
    def liveness(self) -> Liveness:
        """As of any process; UNKNOWN also for one of another host that shares the home."""
        other_boot = self.who.boot_id != this_host().boot_id
        here = ran_here(machine_id=self.machine_id, boot_id=self.who.boot_id, hostname=self.hostname)
        return Liveness.UNKNOWN if other_boot and self.hostname and not here else liveness(self.who)

    @property
    def elsewhere(self) -> bool:
        """Whether it is of another host or PID namespace: whoever looks here sees nothing of it, dead or alive."""
        host = this_host()
        return self.liveness is Liveness.UNKNOWN and (self.who.boot_id, self.who.pid_namespace) != (
            host.boot_id,
            host.pid_namespace,
        )


def pid_file(home: Path, node: str) -> Path:
    """Where the worker that has ``node`` names itself; only it writes there, while the database gives it the node."""
    name = f"worker-{node}.pid"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"worker-{hashlib.sha256(os.fsencode(node)).hexdigest()}.pid"
    return home / "run" / name


def write_pid_file(home: Path, node: str) -> None:
    """Name this process in the file of ``node``, whoever was named there before. Raises OSError.

    It is locked for as long as this process lives, which shows also where its pid cannot be seen.
    """
    me = identify(os.getpid())
    assert me is not None, "/proc shows this very process"
    file = pid_file(home, node)
    fresh = file.with_name(f"worker.{me.pid}.new")
    fresh.unlink(missing_ok=True)
    host = this_host()
    fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        line = f"{me.pid} {me.start_ticks} {me.boot_id} {me.pid_namespace} {node} {host.machine_id} {host.hostname}\n"
        os.write(fd, line.encode())
        home_lock.share(fd)
        fresh.replace(file)
    except OSError:
        os.close(fd)
        raise
    _kept.append(fd)


def remove_pid_file(home: Path, node: str) -> None:
    """Remove the file of ``node`` if it names this process; call it while the node is still held."""
    file = pid_file(home, node)
    found = read_pid_file(file)
    if found is not None and found.who == identify(os.getpid()):
        file.unlink(missing_ok=True)


def read_pid_file(file: Path) -> WorkerProcess | None:
    """The worker the file names, None when there is none. Raises Refused for a file in somebody else's hands."""
    try:
        pid, ticks, boot_id, namespace, *more = read_trusted(file, limit=_LIMIT_BYTES).decode().split(maxsplit=6)
        node, machine_id, hostname = (*more, "", "", "")[:3]
        who = ProcessIdentity(parse_pid(pid), int(ticks), boot_id, int(namespace))
        return WorkerProcess(who, node or file.stem.removeprefix("worker-"), machine_id, hostname.strip())
    except (FileNotFoundError, NotADirectoryError, ValueError):  # damaged counts as none: there are other witnesses
        return None


def named_in_files(home: Path) -> Iterator[WorkerProcess]:
    """The workers named in the files of ``home`` that may live; files of those that are gone are removed."""
    for file in _pid_files(home):
        found = read_pid_file(file)
        if found is None or found.liveness is Liveness.GONE or _was_in_a_container(found, file):
            file.unlink(missing_ok=True)
        else:
            yield found


def in_files(home: Path) -> Iterator[WorkerProcess]:
    """The workers named in the files of ``home``, dead or alive; nothing is touched."""
    for file in _pid_files(home):
        if (found := read_pid_file(file)) is not None:
            yield found


def _was_in_a_container(worker: WorkerProcess, file: Path) -> bool:
    """Whether it was one of another namespace of this boot and is gone: it would hold the lock of its file."""
    same_boot = worker.who.boot_id == this_host().boot_id
    return worker.elsewhere and same_boot and bool(worker.hostname) and not home_lock.is_locked(file)


def _pid_files(home: Path) -> list[Path]:
    return sorted((home / "run").glob("worker-*.pid"))


def seen_running(home: Path) -> Iterator[WorkerProcess]:
    """The processes of this user that run ``jobwarden worker`` for ``home``, registered or not.

    By command line and environment as they were started with. A child that a worker has just forked looks like it,
    and is none.
    """
    found = {pid for pid in _own_pids() if _is_worker(pid) and _home_of(pid) == os.path.realpath(home)}
    for pid in sorted(found):
        who = identify(pid)
        if who is not None and _parent(pid) not in found:
            yield WorkerProcess(who)


def _own_pids() -> Iterator[int]:
    for entry in PROC.iterdir():
        try:
            if entry.name.isdigit() and int(entry.name) != os.getpid() and entry.stat().st_uid == os.geteuid():
                yield int(entry.name)
        except FileNotFoundError:  # it has ended meanwhile
            continue


def _is_worker(pid: int) -> bool:
    words = [Path(word).name for word in _strings(pid, "cmdline")[:_FIRST_WORDS]]
    if not words or not words[0].startswith(("python", "jobwarden")):  # such as `timeout`, before our own words
        return False
    return any(pair in _COMMANDS for pair in pairwise(words))


def _home_of(pid: int) -> str | None:
    """The home that a process with this environment uses; None when it would use none."""
    variables = dict(text.split("=", 1) for text in _strings(pid, "environ") if "=" in text)
    try:
        return os.path.realpath(load_settings(variables).home)
    except JobwardenError:
        return None


def _strings(pid: int, name: str) -> list[str]:
    try:
        return [os.fsdecode(part) for part in (PROC / str(pid) / name).read_bytes().split(b"\0")]
    except OSError:  # it has ended, or shows itself to nobody
        return []


def _parent(pid: int) -> int | None:
    try:
        return read_stat(pid).ppid
    except OSError:
        return None

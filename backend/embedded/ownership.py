"""Who runs a home: one host, and on it one PID namespace. Two PostgreSQLs on one data directory destroy it.

A host or container that shares the file system sees the files of the first one and none of its processes, so "nothing
runs here" proves nothing to it. The record in the home names who runs it, and the lock (`held`) tells whether anything
of it still lives. Written before any server is started and asked before anything is touched.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from jobwarden.backend.embedded import home_lock, postgres, valkey, workers
from jobwarden.backend.embedded.home import Home, explained
from jobwarden.backend.errors import Refused
from jobwarden.backend.files import open_trusted, read_trusted
from jobwarden.backend.process.identity import Liveness, identify, ran_here, this_host

NAME = "owner"
_LIMIT_BYTES = 4096


class Elsewhere(Refused):
    """The home is run where its processes or sockets cannot be seen from here."""

    def __init__(self, summary: str, advice: str) -> None:
        self.summary, self.advice = summary, advice
        super().__init__(f"{summary}: {advice}")


@dataclass(frozen=True, slots=True)
class Owner:
    """Who runs a home. ``pid`` and ``start_ticks`` are of a server, or of the process that is about to start one."""

    host: str
    machine_id: str
    boot_id: str
    pid_namespace: int
    pid: int
    start_ticks: int
    since: str

    @property
    def same_boot(self) -> bool:
        """Whether it is this very kernel, in whatever container."""
        return self.boot_id == this_host().boot_id

    @property
    def here(self) -> bool:
        """Whether its processes can be seen from here."""
        return self.same_boot and self.pid_namespace == this_host().pid_namespace

    @property
    def same_host(self) -> bool:
        """Whether the locks of its processes are this kernel's, or ended with an earlier boot of it."""
        return ran_here(machine_id=self.machine_id, boot_id=self.boot_id, hostname=self.host)


def read(home: Home) -> Owner | None:
    """The record; None when there is none or it is damaged. Raises Untrusted and OSError."""
    try:
        return Owner(**json.loads(read_trusted(home.path / NAME, limit=_LIMIT_BYTES)))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def check(home: Home, *, to_stop: bool = False) -> None:
    """Raise Elsewhere, naming who runs the home, unless that is this host and namespace or is proven gone.

    ``to_stop``: its servers need not be reachable, only to be seen.
    """
    with explained(home):
        owner = read(home)
        if owner is None:
            _check_unnamed(home)
        elif not owner.here and not (owner.same_host and not home_lock.is_held(home)):
            raise Elsewhere(_named(home, owner), _advice(owner))
        if not to_stop:
            _check_reachable(home, owner)


def claim(home: Home) -> None:
    """Write down that this host and namespace run the home; under its lock, after :func:`check`."""
    owner = read(home)
    if owner is None or not owner.here:
        _write(home, os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"))


def settle(home: Home) -> None:
    """Name the server instead of the process that has started it."""
    owner, pid = read(home), postgres.running_pid(home) or valkey.running_pid(home)
    if owner is not None and pid is not None and pid != owner.pid:
        _write(home, pid, owner.since)


@contextmanager
def kept(home: Home) -> Iterator[None]:
    """Keep the home in this process's hands, also while its servers are down, where it is this namespace that runs it.

    A guest of another container's servers keeps nothing: it shall not bar the way to those who follow that one.
    """
    owner = read(home)
    with home_lock.holding(home) if owner is not None and owner.here else nullcontext():
        yield


def release(home: Home) -> None:
    """Nobody runs the home any more: its servers were stopped."""
    (home.path / NAME).unlink(missing_ok=True)


def take_over(home: Home) -> str | None:
    """Forget an owner that the user knows to be gone; a line that says whose the home was, None when it was nobody's.

    Raises Refused while something of that one holds the lock.
    """
    with explained(home):
        owner = read(home)
        if owner is None or owner.here:
            return None
        if home_lock.is_held(home):
            raise Refused(
                f"{_named(home, owner)}, and something of it lives: it holds {home.path / home_lock.LOCK_NAME};"
                " stop it there, or remove that file once that host is known to be off"
            )
        release(home)
    return f"{_named(home, owner)}: taken over"


def _check_unnamed(home: Home) -> None:
    """The record was lost: whoever holds the lock is to be seen, or is somebody else."""
    if home_lock.is_held(home) and not any(True for _ in _seen(home)):
        raise Elsewhere(
            f"{home.path} is run by processes that cannot be seen from here (another host or container), which hold"
            f" {home.path / home_lock.LOCK_NAME}",
            "use it there, or stop it there with `jobwarden down`",
        )


def _check_reachable(home: Home, owner: Owner | None) -> None:
    """Processes may share everything but the folder of the sockets: a private /tmp."""
    for pid in _seen(home):
        if _sockets_elsewhere(home, pid):
            since = f" since {owner.since}" if owner else ""
            raise Elsewhere(
                f"{home.path} is run{since} by process {pid}, which has another {home.sockets} than is seen from here"
                " (a private /tmp)",
                "use it there, or stop it with `jobwarden down` and set JOBWARDEN_SOCKET_DIR",
            )


def _seen(home: Home) -> list[int]:
    """The servers and workers of the home in this PID namespace."""
    servers = [pid for pid in (postgres.running_pid(home), valkey.running_pid(home)) if pid is not None]
    return servers + [found.who.pid for found in workers.in_files(home.path) if found.liveness is Liveness.ALIVE]


def _sockets_elsewhere(home: Home, pid: int) -> bool:
    """Whether the process has a folder of sockets, and it is not the one that is here."""
    with suppress(OSError):  # it has ended, or has none: then there is nothing to reach elsewhere
        there = Path(f"/proc/{pid}/root{home.sockets}").stat()
        try:
            return not os.path.samestat(there, home.sockets.stat())
        except FileNotFoundError:
            return True
    return False


def _named(home: Home, owner: Owner) -> str:
    return f"{home.path} is run by host {owner.host} since {owner.since} (pid {owner.pid})"


def _advice(owner: Owner) -> str:
    there = "use it there, or stop it there with `jobwarden down`"
    if owner.same_boot:
        return f"{there} (it is another container or PID namespace of this machine)"
    return f"{there}; once that host is known to be gone for good, `jobwarden up --take-over`"


def _write(home: Home, pid: int, since: str) -> None:
    """In one piece, and on disk before anything is started."""
    host, who = this_host(), identify(pid)
    if who is None:  # a server that has ended again: the record of before does as well
        return
    owner = Owner(host.hostname, host.machine_id, host.boot_id, host.pid_namespace, pid, who.start_ticks, since)
    fresh = home.path / f"{NAME}.new"
    fresh.unlink(missing_ok=True)
    with os.fdopen(open_trusted(fresh, os.O_WRONLY | os.O_CREAT), "w", encoding="utf-8") as out:
        json.dump(asdict(owner), out)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(home.path / NAME)

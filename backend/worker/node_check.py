"""Whether this node can launch at all, what its kernel allows, and whether the program was replaced meanwhile."""

import hashlib
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jobwarden import backend
from jobwarden.backend.database.driver import Connection, Engine
from jobwarden.backend.domain.states import FAILING, REPLACED
from jobwarden.backend.errors import Refused
from jobwarden.backend.process.spawn import shim_is_there
from jobwarden.backend.state import machine
from jobwarden.backend.worker import sql
from jobwarden.backend.worker.registration import Registration

log = logging.getLogger(__name__)

MOST_FAILURES = 5
"""Launches that fail in a row, without one success, for a reason of the node's before it gets no more jobs."""
OF_THE_NODE = frozenset({"descriptors", "folder", "fork", "group", "identity", "log", "script", "supervisor"})
"""Steps of a launch whose failure is no fault of the job."""


class Fitness:
    """Counts launches. Used from one thread at a time; what touches the database raises DatabaseError."""

    def __init__(self, engine: Engine, me: Registration, program_is_there: Callable[[], bool] = shim_is_there) -> None:
        self._engine, self._me, self._program_is_there = engine, me, program_is_there
        self._failed = 0
        self._last = ""
        self._succeeded = self._missing = self._drained = False
        self._lifted = False

    @property
    def spent(self) -> bool:
        """Whether so many failed that no further job should be tried."""
        return self._failed >= MOST_FAILURES

    @property
    def reason(self) -> str:
        """Why no job is tried."""
        return f"{FAILING}{self._failed} in a row, the last one: {self._last}"

    def failed(self, step: str, message: str) -> None:
        """Note a launch that failed at ``step``."""
        if step in OF_THE_NODE:
            self._failed, self._last = self._failed + 1, message

    def succeeded(self) -> None:
        """Note one that did not."""
        self._failed, self._succeeded = 0, True

    def look_again(self) -> None:
        """Before a batch: whoever resumed the node gives it as many launches again. What was granted before it was
        drained is not tried."""
        if self._drained and not self._has_drain(FAILING):
            self._failed, self._drained = 0, False

    def settle(self) -> None:
        """After a batch: drain the node, or take back the drain that launches which failed had brought about."""
        if self.spent:
            if not self._drained:
                self._drain(self.reason)
            self._drained, self._lifted = True, False
        elif self._succeeded and not self._lifted:  # also a drain that a worker before this one brought about
            self._lift(FAILING)
            self._lifted = True
        self._succeeded = False

    def begin(self) -> None:
        """A worker that starts has the program: what was said of the one before it is over."""
        self._lift(REPLACED)

    def program_there(self) -> bool:
        """Whether there is what starts a job; while there is not, launches wait and the node gets no more of them."""
        if self._program_is_there():
            if self._missing:
                self._lift(REPLACED)
            self._missing = False
        elif not self._missing:
            self._drain(REPLACED)
            self._missing = True
        return not self._missing

    def _drain(self, why: str) -> None:
        log.error("node %s gets no more jobs: %s", self._me.node_name, why)
        with self._engine.begin() as conn:
            machine.set_drain(conn, self._me.node_name, True, self._me.actor, why)

    def _lift(self, prefix: str) -> None:
        with self._engine.begin() as conn:
            if self._reason_of_drain(conn).startswith(prefix):
                machine.set_drain(conn, self._me.node_name, False, self._me.actor, "launches work again")

    def _has_drain(self, prefix: str) -> bool:
        with self._engine.connect() as conn:
            return self._reason_of_drain(conn).startswith(prefix)

    def _reason_of_drain(self, conn: Connection) -> str:
        return conn.scalar(sql.DRAIN_REASON, {"node": self._me.node_name}) or ""


# What a worker asks of the kernel, tried once at its start: a container may filter system calls (seccomp).


def check_calls() -> None:
    """Raise Refused, naming the call, where one is filtered that a worker cannot do without."""
    for name, attempt in _NEEDED:
        try:
            attempt()
        except (OSError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise Refused(
                f"a worker cannot do without the system call {name}, which fails here ({why}): allow it, for example in"
                " the seccomp profile of the container"
            ) from error


def keep_descriptors() -> None:
    """Let no job inherit what this process was given: a supervisor that may not call close_range(2) keeps it."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (names only)
        if int(name) > 2:
            with suppress(OSError):  # that of the listing itself is closed by now
                os.set_inheritable(int(name), False)


def _pidfd_open() -> None:
    os.close(os.pidfd_open(os.getpid()))


def _pidfd_send_signal() -> None:
    pidfd = os.pidfd_open(os.getpid())
    try:
        signal.pidfd_send_signal(pidfd, 0)
    finally:
        os.close(pidfd)


def _thread() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


_NEEDED: tuple[tuple[str, Callable[[], None]], ...] = (
    ("pidfd_open", _pidfd_open),
    ("pidfd_send_signal", _pidfd_send_signal),
    ("clone3 (threads)", _thread),
)


# Whether the files of the program are still those that this worker runs: an upgrade in place changes no process.

_Stamps = dict[str, tuple[int, int, int]]


class Program:
    """Remembers the files that were there when it was made. Used from one thread at a time."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(backend.__file__).parent
        self._stamps = self._look()
        self._began_with = self._now = self._contents()
        self._told = False

    def tell(self, engine: Engine, worker_id: int) -> None:
        """Note with the worker whether its program was replaced, when that changes. Raises DatabaseError."""
        outdated = self.replaced()
        if outdated is self._told:
            return
        with engine.begin() as conn:
            conn.execute(sql.SET_OUTDATED, {"worker": worker_id, "outdated": outdated})
        self._told = outdated
        if outdated:
            log.warning("the program in %s was replaced: restart this worker, its jobs go on", self._folder)

    def replaced(self) -> bool:
        """Whether other files lie there now. They are read again only when one of them looks different."""
        stamps = self._look()
        if stamps != self._stamps:
            self._stamps, self._now = stamps, self._contents()
        return self._now != self._began_with

    def _files(self) -> list[Path]:
        return sorted(
            path for path in self._folder.rglob("*") if path.suffix not in (".pyc", ".pyo") and path.is_file()
        )

    def _look(self) -> _Stamps:
        found: _Stamps = {}
        for path in self._files():
            try:
                info = path.stat()
            except FileNotFoundError:
                continue  # it is being replaced: the next look sees what came of it
            found[str(path)] = (info.st_ino, info.st_size, info.st_mtime_ns)
        return found

    def _contents(self) -> bytes:
        found = hashlib.blake2b()
        for path in self._files():
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            found.update(f"{path.relative_to(self._folder)}\0{len(data)}\0".encode() + data)
        return found.digest()

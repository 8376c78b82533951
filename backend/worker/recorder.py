"""Writes how jobs ended, in batches, and keeps at it through a database that is down.

Until an outcome is committed it stays here, and the exit status stays in the spool: a crash in between costs nothing.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from jobwarden.backend.database.driver import DatabaseError, Engine
from jobwarden.backend.database.engine import first_line, refused
from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.faults import point
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Outcome
from jobwarden.backend.worker.crash_guard import contained

log = logging.getLogger(__name__)

BATCH = 500
LINGER_SECONDS = 0.005
"""Wait for company after the first entry, while batches follow each other closely: fewer, larger commits."""
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class EndedJob:
    """An outcome to record, said by whom and why."""

    outcome: Outcome
    actor: str
    action: str = "finish"
    reason: str | None = None
    plain: bool = False
    """Whether it stands for an outcome that the database refused."""


@dataclass(frozen=True, slots=True)
class NeverStarted:
    """An allocation whose script provably never ran: its job goes back to the queue."""

    allocation_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """An allocation that cannot be ended. ``drain``: its processes survive KILL, so its node gets no new jobs."""

    allocation_id: int
    detail: str
    drain: bool = True


@dataclass(frozen=True, slots=True)
class Unstuck:
    """An allocation that was said to be stuck, and is not."""

    allocation_id: int


RecordEntry = EndedJob | NeverStarted | Stuck | Unstuck


class Recorder(threading.Thread):
    """``on_recorded`` gets the allocation ids that are settled, from this thread."""

    def __init__(self, engine: Engine, actor: str, on_recorded: Callable[[Sequence[int]], None]) -> None:
        super().__init__(name="recorder", daemon=True)
        self._engine, self._actor, self._on_recorded = engine, actor, on_recorded
        self._queue: SimpleQueue[RecordEntry | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._last_batch = 0.0

    def put(self, entry: RecordEntry) -> None:
        """Queue an entry; never blocks."""
        self._queue.put(entry)

    def stop(self, timeout: float) -> bool:
        """Write what is queued, then end; False when it could not within ``timeout`` seconds (the spool has it)."""
        self._stopping.set()
        self._queue.put(None)
        self.join(timeout)
        return not self.is_alive()

    def run(self) -> None:
        """Take what is there, write it, until told to stop and nothing is left."""
        while True:
            batch = self._take()
            if batch:
                self._write(batch)
            elif self._stopping.is_set():
                return

    def _take(self) -> list[RecordEntry]:
        entries = [self._queue.get()]
        if time.monotonic() - self._last_batch < 10 * LINGER_SECONDS:
            time.sleep(LINGER_SECONDS)
        self._last_batch = time.monotonic()
        try:
            while len(entries) < BATCH:
                entries.append(self._queue.get_nowait())
        except Empty:
            pass  # that is all there is: write it
        return [entry for entry in entries if entry is not None]

    def _write(self, batch: Sequence[RecordEntry]) -> None:
        """Commit the batch. An entry that cannot be stored is found by halving, and its job ends with the reason."""
        attempt, surprised = 0, False
        while True:
            try:
                self._commit(batch)
            except DatabaseError as exc:
                if refused(exc):
                    self._refused(batch, exc)
                    return
                self._wait(attempt, exc)
                attempt += 1
            except Exception as exc:
                log.critical("internal error in writing outcomes: the worker goes on", exc_info=True)
                if surprised:
                    self._refused(batch, exc)
                    return
                surprised = True  # nothing was committed by it: once more, as it is
            else:
                self._recorded(batch)
                return

    def _recorded(self, batch: Sequence[RecordEntry]) -> None:
        with contained("what follows the writing of outcomes"):
            point("recorded")
            for entry in batch:
                _say(entry)
        self._on_recorded([_allocation(entry) for entry in batch])

    def _wait(self, attempt: int, exc: DatabaseError) -> None:
        if attempt in (0, 10) or attempt % 100 == 0:
            log.warning("outcomes wait for the database: %s", first_line(exc))
        threading.Event().wait(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])

    def _refused(self, batch: Sequence[RecordEntry], exc: Exception) -> None:
        if len(batch) == 1:
            self._replace(batch[0], [first_line(exc)])
            return
        middle = len(batch) // 2
        self._write(batch[:middle])
        self._write(batch[middle:])

    def _replace(self, entry: RecordEntry, said: Sequence[str]) -> None:
        """Write, in the place of what cannot be stored, that it cannot: no job runs for ever because of its end."""
        why = said[0] if said else "no reason given"
        log.error("what became of allocation %d cannot be stored: %s", _allocation(entry), why)
        if isinstance(entry, EndedJob) and not entry.plain:
            outcome = replace(
                entry.outcome, state=JobState.FAILED, reason=entry.outcome.reason or FailureReason.WORKER_LOST,
                exit_code=None, exit_signal=None, end_time_ns=None, evidence={},
                error_msg=f"its outcome could not be stored: {why}",
            )  # fmt: skip
            self._write([EndedJob(outcome, self._actor, plain=True)])

    def _commit(self, batch: Sequence[RecordEntry]) -> None:
        """One transaction a group: each takes its locks in the machine's order, so none can deadlock with another."""
        groups: defaultdict[tuple[str, str, str | None], list[Outcome]] = defaultdict(list)
        requeues: defaultdict[str, list[int]] = defaultdict(list)
        for entry in batch:
            if isinstance(entry, EndedJob):
                groups[entry.actor, entry.action, entry.reason].append(entry.outcome)
            elif isinstance(entry, NeverStarted):
                requeues[entry.reason].append(entry.allocation_id)
            elif isinstance(entry, Unstuck):
                with self._engine.begin() as conn:
                    machine.clear_stuck(conn, entry.allocation_id, self._actor)
            else:
                with self._engine.begin() as conn:
                    machine.mark_stuck(conn, entry.allocation_id, self._actor, entry.detail, drain=entry.drain)
        for (actor, action, reason), outcomes in groups.items():
            with self._engine.begin() as conn:
                machine.finish(conn, outcomes, actor, action, reason)
        for reason, allocations in requeues.items():
            with self._engine.begin() as conn:
                machine.requeue(conn, allocations, self._actor, reason)


def _say(entry: RecordEntry) -> None:
    if isinstance(entry, EndedJob):
        outcome = entry.outcome
        extra = {"job_id": outcome.job_id, "allocation_id": outcome.allocation_id, "actor": entry.actor}
        log.info("job %d %s%s", outcome.job_id, outcome.state, _why(outcome), extra=extra)


def _why(outcome: Outcome) -> str:
    return "" if outcome.reason is None else f" ({outcome.reason})"


def _allocation(entry: RecordEntry) -> int:
    return entry.outcome.allocation_id if isinstance(entry, EndedJob) else entry.allocation_id

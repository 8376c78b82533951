"""What really happens outside the database, in memory: supervisors, scripts, and what each worker knows of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from jobwarden.backend.process.identity import Liveness
from jobwarden.backend.process.record import Record, RecordKind
from jobwarden.backend.state.records import LaunchOrder, Started
from jobwarden.backend.worker.recovery import Fate, ProcessEvidence
from jobwarden.backend.worker.registration import Registration

_pids = count(1000)


@dataclass(slots=True)
class Attempt:
    """One supervisor with its script. ``ran`` once its gate opened; ``record`` is what it left in the spool."""

    order: LaunchOrder
    pid: int = field(default_factory=lambda: next(_pids))
    alive: bool = True
    ran: bool = False
    record: Record | None = None

    def open_gate(self) -> None:
        """The script runs, unless its supervisor was killed at the gate."""
        self.ran = self.ran or self.alive

    def close_gate(self) -> None:
        """A script that was not let through never runs."""
        if self.alive and not self.ran:
            self.end(Record(RecordKind.NEVER, gone=True))

    def end(self, record: Record | None) -> None:
        """All its processes are gone. Without a record, its supervisor was killed."""
        self.alive, self.record = False, record

    def started(self, spool: str) -> Started:
        """Its identity, as a worker commits it."""
        allocation = self.order.allocation_id
        return Started(allocation, self.pid, self.pid * 10, "boot", 1, f"{spool}/{allocation}")

    def evidence(self) -> ProcessEvidence:
        """What its host shows of it."""
        return ProcessEvidence(Liveness.ALIVE if self.alive else Liveness.GONE, self.record)


@dataclass(slots=True)
class Daemon:
    """The memory of one worker: lost in a crash, kept while it is suspended past its lease.

    ``decided``: what a recovery made up its mind to do with allocations, and whether it saw them without a process.
    """

    me: Registration
    gated: list[Attempt] = field(default_factory=list)
    committed: list[Attempt] = field(default_factory=list)
    watched: list[Attempt] = field(default_factory=list)
    decided: list[tuple[int, Fate, bool]] = field(default_factory=list)

    def in_hand(self) -> set[int]:
        """Allocations that its sweep leaves alone."""
        return {attempt.order.allocation_id for attempt in [*self.gated, *self.committed, *self.watched]}

    def ended(self) -> list[Attempt]:
        """What it watches and is over."""
        return [attempt for attempt in self.watched if not attempt.alive]

    def die(self) -> None:
        """Its pipes close with it."""
        for attempt in [*self.gated, *self.committed]:
            attempt.close_gate()


@dataclass(slots=True)
class World:
    """Everything there is. ``by_hand``: allocations that somebody released on his own word."""

    attempts: dict[int, Attempt] = field(default_factory=dict)
    mail: dict[str, list[int]] = field(default_factory=dict)
    by_hand: set[int] = field(default_factory=set)

    def starts(self, job_id: int) -> int:
        """How often the job's script was let run."""
        return sum(attempt.ran for attempt in self.attempts.values() if attempt.order.job_id == job_id)

    def alive(self, allocation_id: int) -> bool:
        """Whether processes of the allocation live."""
        attempt = self.attempts.get(allocation_id)
        return attempt is not None and attempt.alive

    def runs(self, allocation_id: int) -> bool:
        """Whether its script runs: a supervisor that still waits at its gate uses nothing."""
        return self.alive(allocation_id) and self.attempts[allocation_id].ran

"""The state of the whole system at one moment, as the header shows it. Records only: no database is needed."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from datetime import datetime
from enum import StrEnum

from jobwarden.backend.domain.states import JobState, WorkerState
from jobwarden.backend.queries.models.jobs import AnomalyRow, WorkerRow


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An open alert."""

    id: int
    rule: str
    subject: str
    message: str
    value: float
    threshold: float
    raised_at: datetime
    undelivered: str | None = None
    """Why receivers have not taken its last notice, one line; None while all have."""

    @property
    def key(self) -> tuple[str, str]:
        """What makes two alerts the same."""
        return self.rule, self.subject


@dataclass(frozen=True, slots=True)
class Minute:
    """What happened in one minute: jobs that got resources, that COMPLETED, that FAILED (CANCELLED is neither)."""

    started: int = 0
    completed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """The last minutes, oldest first, the current one (not over yet) last; empty before the first reading."""

    minutes: tuple[Minute, ...] = ()
    doorbell_lag: float = 0.0
    """Seconds that the oldest granted job waits for its worker to take it up."""

    @property
    def now(self) -> Minute:
        """Jobs in a minute, now: the last whole minute, or the one that runs where there is more in it already."""
        last, running = self.minutes[-2:] if len(self.minutes) > 1 else (Minute(), Minute())
        return Minute(*map(max, astuple(last), astuple(running)))


class Link(StrEnum):
    """How the collector stands with the database."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a dependency answers, how fast (milliseconds), or what it said instead."""

    ok: bool
    milliseconds: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the nodes have and what is granted of it, memory in MiB."""

    cpus: int = 0
    cpus_allocated: int = 0
    memory_mb: int = 0
    memory_mb_allocated: int = 0
    gpus: int = 0
    gpus_allocated: int = 0
    leader: bool = False
    """Whether some worker schedules."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known at one moment. While the link is lost the last data stay, and ``link`` says they are stale."""

    number: int = 0
    link: Link = Link.CONNECTING
    database: Health = Health(False)
    redis: Health = Health(False)
    retry_at: float = 0.0
    """time.monotonic() of the next attempt to connect; only while the link is lost."""
    taken_at: datetime | None = None
    workers: tuple[WorkerRow, ...] = ()
    counts: Mapping[JobState, int] = field(default_factory=dict)
    held: int = 0
    """How many of the PENDING jobs are held."""
    anomalies: tuple[AnomalyRow, ...] = ()
    capacity: Capacity = Capacity()
    rates: Rates = field(default_factory=Rates)
    alerts: tuple[AlertRow, ...] = ()
    """The alerts that are open, oldest first."""

    @property
    def loaded(self) -> bool:
        """Whether data were ever read."""
        return self.taken_at is not None

    def alive(self) -> int:
        """How many workers live."""
        return sum(worker.state is not WorkerState.DEAD for worker in self.workers)

    def dead(self) -> int:
        """How many nodes have lost their worker: the newest worker of the node died without a clean stop."""
        return len(lost_nodes(self.workers))


def lost_nodes(workers: Iterable[WorkerRow]) -> list[str]:
    """Nodes that have lost their worker: the newest one died without a clean stop."""
    newest: dict[str, WorkerRow] = {}
    for worker in workers:
        if worker.node_name not in newest or worker.id > newest[worker.node_name].id:
            newest[worker.node_name] = worker
    return sorted(w.node_name for w in newest.values() if w.state is WorkerState.DEAD and w.ended_at is None)

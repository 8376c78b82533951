"""The state of the whole system at one moment, as the header shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from backend.database.locks import LEADER_LOCK
from backend.domain.states import JobState, WorkerState
from backend.readmodel.rates import Rates
from backend.readmodel.records import AnomalyRow, WorkerRow
from backend.readmodel.statements import statement
from backend.readmodel.workers import lost_nodes


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
    anomalies: tuple[AnomalyRow, ...] = ()
    capacity: Capacity = Capacity()
    rates: Rates = field(default_factory=Rates)

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


def read_capacity(conn: Connection, workers: Sequence[WorkerRow]) -> Capacity:
    """Sum up the nodes that have a living worker: what a dead one has, nobody can be given."""
    alive = sorted({worker.node_name for worker in workers if worker.state is not WorkerState.DEAD})
    row = conn.execute(statement("overview"), {"alive": alive, "leader_lock": LEADER_LOCK}).mappings().one()
    return Capacity(**row)

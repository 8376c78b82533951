"""What is read for the queue, the audit and the filter line, and the records that ask for it."""

from dataclasses import dataclass, field
from datetime import datetime

from jobwarden.backend.domain.states import AnomalyKind
from jobwarden.backend.queries.models.jobs import EventRow, JobRow

# What a screen may want read besides the snapshot and the list of jobs; one frozen record for each question.


@dataclass(frozen=True, slots=True)
class QueueWanted:
    """The jobs that wait and match, in the order the scheduler looks at them, and RQ's own queues."""

    filter: str = ""


@dataclass(frozen=True, slots=True)
class EventsWanted:
    """A page of the audit, newest first: events with an id under ``below`` that match ``filter``; 0 for the newest."""

    filter: str = ""
    below: int = 0
    limit: int = 200


@dataclass(frozen=True, slots=True)
class EvidenceWanted:
    """What is known of the processes of one job: worker, spool, process tree, and what a clean-up would do."""

    job_id: int


@dataclass(frozen=True, slots=True)
class MatchesWanted:
    """Which of these anomalies, each the id of a job and what is wrong with it, a filter matches."""

    filter: str
    anomalies: tuple[tuple[int, AnomalyKind], ...]


Wanted = QueueWanted | EventsWanted | EvidenceWanted | MatchesWanted


LISTED = 1000
"""Waiting jobs that are listed; what waits behind them is counted."""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One waiting job: its ``place`` among those that are not held (0 for a held one), and why it waits."""

    job: JobRow
    place: int
    why: str

    @property
    def id(self) -> int:
        """Number of the job."""
        return self.job.id


@dataclass(frozen=True, slots=True)
class Bell:
    """RQ's queue of one node: messages that nobody has taken, listeners, messages that failed."""

    node_name: str
    messages: int
    listeners: int
    failed: int
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bells:
    """Redis and RQ. ``error`` is what Redis said instead of an answer; memory in MiB, uptime in seconds."""

    queues: tuple[Bell, ...] = ()
    version: str = ""
    memory_mb: float = 0.0
    clients: int = 0
    uptime: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class QueueView:
    """The queue at one moment. ``pending`` counts all, ``held`` those of them that are held.

    ``rows`` holds the first of those that were ``wanted``.
    """

    rows: tuple[QueueRow, ...] = ()
    pending: int = 0
    held: int = 0
    bells: Bells = Bells()
    error: str = ""
    wanted: QueueWanted = field(default_factory=QueueWanted)


@dataclass(frozen=True, slots=True)
class EventsPage:
    """One page of the audit; ``wanted`` is the question it answers, ``more`` says that older ones match too."""

    wanted: EventsWanted
    rows: tuple[EventRow, ...] = ()
    more: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class JobMatches:
    """The jobs of ``wanted`` that match its filter."""

    wanted: MatchesWanted
    ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Words:
    """Accounts, nodes and partitions, each sorted; the first few hundred of each."""

    accounts: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()

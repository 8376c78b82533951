"""What a screen may want read besides the snapshot and the list of jobs; one frozen record for each question."""

from dataclasses import dataclass

from backend.domain.states import AnomalyKind


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

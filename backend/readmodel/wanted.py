"""What a screen may want read besides the snapshot and the list of jobs; one frozen record for each question."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueWanted:
    """The jobs that wait, in the order the scheduler looks at them, and RQ's own queues."""


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


Wanted = QueueWanted | EventsWanted | EvidenceWanted

"""The words of the state diagram, as stored and as shown, with what is known of an end or a drain."""

from enum import StrEnum


class JobState(StrEnum):
    """States of a job as stored in ``jobs.state``; the last three are final."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def final(self) -> bool:
        """Whether a job in this state never changes state again."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})


class FailureReason(StrEnum):
    """Why a job is FAILED, as stored in ``jobs.failure_reason``."""

    SCRIPT_ERROR = "SCRIPT_ERROR"
    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    WORKER_LOST = "WORKER_LOST"
    HOST_REBOOT = "HOST_REBOOT"
    LAUNCH_ERROR = "LAUNCH_ERROR"
    OPERATOR = "OPERATOR"


class WorkerState(StrEnum):
    """Liveness of a worker as shown; a draining worker takes no new jobs."""

    ONLINE = "ONLINE"
    DRAINING = "DRAINING"
    DEAD = "DEAD"


class AnomalyKind(StrEnum):
    """What the orphan screen flags, worst first."""

    ORPHAN = "ORPHAN"
    LOST = "LOST"
    UNRECORDED = "UNRECORDED"
    STRAY = "STRAY"
    LEAKED = "LEAKED"
    OVERDUE = "OVERDUE"
    STUCK = "STUCK"
    UNREACHABLE = "UNREACHABLE"


KIND_MEANINGS: dict[AnomalyKind, str] = {
    AnomalyKind.ORPHAN: "worker dead, process alive",
    AnomalyKind.LOST: "worker dead, process gone",
    AnomalyKind.UNRECORDED: "worker dead, exit status kept",
    AnomalyKind.STRAY: "job finished, process alive",
    AnomalyKind.LEAKED: "finished, not released",
    AnomalyKind.OVERDUE: "beyond its time limit",
    AnomalyKind.STUCK: "survives KILL",
    AnomalyKind.UNREACHABLE: "on a dead worker of another host",
}


# Why a worker drains its own node, in words by which the drain is known again.

REPLACED = "the program was moved or replaced: restart the worker"
OUTDATED = "runs other code than is installed: restart it, its jobs go on"
"""Of a worker whose program was replaced under it; no drain, as long as launches work."""
FAILING = "launches fail here: "
"""Followed by how many and the last error."""


def by_worker(reason: str | None) -> bool:
    """Whether a drain with this reason is one that a worker takes back by itself."""
    return reason is not None and (reason == REPLACED or reason.startswith(FAILING))


# A state or a reason, and what is known of it, as one phrase.


def with_message(word: str, message: str | None) -> str:
    """Return the word with the message behind it; what the message repeats of the word is said once.

    >>> with_message("CANCELLED", "cancelled: killed by SIGTERM"), with_message("TIMEOUT", "time limit reached")
    ('CANCELLED: killed by SIGTERM', 'TIMEOUT: time limit reached')
    """
    if not message:
        return word
    plain = word.replace("_", " ").lower()
    rest = message[len(plain) :]
    if message.lower().startswith(plain) and rest[:1] in ("", ":", " "):
        return f"{word}{rest}"
    return f"{word}: {message}"

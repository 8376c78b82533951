"""The words of the state diagram, as stored and as shown."""

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

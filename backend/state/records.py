"""What goes into and comes out of the state machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from jobwarden.backend.domain.states import FailureReason, JobState


@dataclass(frozen=True, slots=True)
class Placement:
    """The scheduler's decision for one job: the node, and the live worker that serves it."""

    job_id: int
    node_name: str
    worker_id: int


@dataclass(frozen=True, slots=True)
class LaunchOrder:
    """All a worker needs to start an allocation it has claimed. ``time_limit`` is in seconds, ``memory_mb`` in MiB.

    ``login`` submitted the job, ``unix_user`` is whom its jobs run as where a worker can choose.
    """

    allocation_id: int
    job_id: int
    cookie: str
    record_key: str
    script: str
    arguments: Sequence[str]
    work_dir: str
    environment: Mapping[str, str]
    time_limit: int | None
    memory_mb: int
    login: str
    unix_user: str


@dataclass(frozen=True, slots=True)
class Started:
    """Identity of a shim that waits at its gate, to be committed before the gate opens."""

    allocation_id: int
    process_id: int
    process_start: int
    boot_id: str
    pid_namespace: int
    spool_dir: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended. ``end_time_ns`` (since the epoch) None means now; ``evidence`` goes into the event."""

    allocation_id: int
    job_id: int
    state: JobState
    reason: FailureReason | None = None
    exit_code: int | None = None
    exit_signal: int | None = None
    error_msg: str | None = None
    end_time_ns: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


# What a change put something else in place of, so that it can be taken back.

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FormerValue(Generic[T]):
    """The value before the change."""

    value: T

"""What the read model hands out: frozen records, one for each thing an operator looks at.

Times are aware datetimes, memory is in MiB, durations are in seconds unless a field says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobwarden.backend.domain.states import AnomalyKind, FailureReason, JobState, WorkerState


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as a listing shows it: everything but its script and environment."""

    id: int
    name: str
    account: str
    partition: str
    state: JobState
    held: bool
    priority: int
    cpus: int
    memory_mb: int
    gpus: int
    time_limit: int | None
    submit_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    exit_code: int | None
    exit_signal: int | None
    failure_reason: FailureReason | None
    error_msg: str | None
    node_name: str | None
    process_id: int | None = None
    """Pid of the shim of the unreleased allocation."""
    allocation_id: int | None = None
    """The unreleased allocation, if any."""
    spool_dir: str | None = None
    """Folder of the latest allocation, where the log is (on the job's own node)."""
    remote_host: str | None = None
    """Host of the latest allocation when it is not this one: log and processes can be looked at only there."""
    version: int = 0
    """Transaction that last changed the job: equal id and version mean an equal job."""


SUBMITTERS = "*"
"""Stands in the place of a Unix user for whoever submitted a job."""


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One boot of a worker daemon with the capacity of its node."""

    id: int
    node_name: str
    hostname: str
    pid: int
    state: WorkerState
    cpus: int
    cpus_allocated: int
    memory_mb: int
    memory_mb_allocated: int
    gpus: int
    gpus_allocated: int
    heartbeat_at: datetime
    lease_age: float
    """Seconds since the last heartbeat, by the database's clock."""
    drained: bool
    drain_reason: str | None
    boot_id: str
    process_start: int
    pid_namespace: int
    machine_id: str
    spool: str
    running_jobs: int
    started_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    jobs_as: str | None = None
    """The Unix user that its jobs run as, SUBMITTERS for those who submitted them; None where nobody wrote it down."""
    outdated: bool = False
    """Whether other code is installed on its host than it runs."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of the audit."""

    id: int
    at: datetime
    job_id: int | None
    actor: str
    action: str
    from_state: JobState | None
    to_state: JobState | None
    reason: str | None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """One attempt to run a job on a node."""

    id: int
    job_id: int
    node_name: str
    worker_id: int
    allocated_cpus: int
    allocated_memory_mb: int
    allocated_gpus: int
    allocation_time: datetime
    process_id: int | None
    process_start: int | None
    boot_id: str | None
    pid_namespace: int | None
    spool_dir: str | None
    released: bool
    released_time: datetime | None


@dataclass(frozen=True, slots=True)
class AnomalyRow:
    """A job whose record and processes disagree, with the evidence in one line."""

    job_id: int
    kind: AnomalyKind
    node_name: str | None
    process_id: int | None
    detail: str
    job_name: str = ""
    allocation_id: int | None = None
    cmdline: str = ""


@dataclass(frozen=True, slots=True)
class JobDetail:
    """Everything known of one job."""

    job: JobRow
    script: str
    arguments: tuple[str, ...]
    work_dir: str
    environment: Mapping[str, str]
    resubmit_of: int | None
    allocations: tuple[AllocationRow, ...]
    events: tuple[EventRow, ...]
    pending_reason: str | None = None
    """Why a PENDING job does not run yet; None for any other."""


@dataclass(frozen=True, slots=True)
class DetailView:
    """The job that is open; ``detail`` is None when there is no such job."""

    job_id: int
    detail: JobDetail | None

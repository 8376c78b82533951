"""Everything known of one job: script, environment, attempts, history, why it waits, where it was archived to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.pending_reason import NodeFacts, WaitingJob, why_pending
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.queries.jobs import read_jobs
from jobwarden.backend.queries.models.job_window import JobWindow
from jobwarden.backend.queries.models.jobs import AllocationRow, EventRow, JobDetail, JobRow, WorkerRow
from jobwarden.backend.queries.statements import statement
from jobwarden.backend.queries.workers import read_nodes

EVENTS_SHOWN = 500
"""Events of one job that are read; the newest ones."""


def read_detail(conn: Connection, job_id: int, workers: Iterable[WorkerRow] = ()) -> JobDetail | None:
    """Read one job with its attempts and events, None when there is no such job.

    ``workers`` as read_workers() gave them say why a PENDING job waits.
    """
    rows = read_jobs(conn, [job_id])
    if not rows:
        return None
    more = conn.execute(statement("job_detail"), {"job_id": job_id}).mappings().one()
    return JobDetail(
        job=rows[0],
        script=more["script"],
        arguments=tuple(more["arguments"]),
        work_dir=more["work_dir"],
        environment=more["environment"],
        resubmit_of=more["resubmit_of"],
        allocations=tuple(read_allocations(conn, job_id)),
        events=tuple(read_events(conn, job_id)),
        pending_reason=pending_reason(conn, rows[0], workers),
    )


def pending_reason(conn: Connection, job: JobRow, workers: Iterable[WorkerRow]) -> str | None:
    """Say in one phrase why a PENDING job does not run; None for a job in any other state."""
    if job.state is not JobState.PENDING:
        return None
    place = {"partition": job.partition, "priority": job.priority, "job_id": job.id}
    ahead = conn.execute(statement("jobs_ahead"), place).scalar_one()
    return why_pending(job, read_nodes(conn, workers), int(ahead))


def read_allocations(conn: Connection, job_id: int) -> list[AllocationRow]:
    """Read the attempts of a job, oldest first."""
    rows = conn.execute(statement("allocations"), {"job_id": job_id}).mappings()
    return [AllocationRow(**row) for row in rows]


def read_events(conn: Connection, job_id: int, limit: int = EVENTS_SHOWN) -> list[EventRow]:
    """Read the latest events of a job, oldest first."""
    rows = conn.execute(statement("job_events"), {"job_id": job_id, "limit": limit}).mappings()
    return [event(row) for row in rows]


def event(row: Mapping[str, Any]) -> EventRow:
    """Make an event of a row that has the columns of ``events``."""
    values: dict[str, Any] = dict(row)
    for column in ("from_state", "to_state"):
        values[column] = JobState(values[column]) if values[column] else None
    return EventRow(**values)


# Why the PENDING jobs of a list wait, in the few words that fit into a column.


class RequestedResources(NamedTuple):
    """What a job waits for; memory in MiB."""

    partition: str
    cpus: int
    memory_mb: int
    gpus: int
    held: bool


class Reasons:
    """Why jobs wait for these nodes, found once for all that ask for the same."""

    def __init__(self, nodes: Sequence[NodeFacts]) -> None:
        self._nodes = nodes
        self._found: dict[RequestedResources, str] = {}

    def of(self, job: WaitingJob) -> str:
        """Return the reason without the word waiting, and without the jobs ahead, which differ from job to job."""
        asked = RequestedResources(job.partition, job.cpus, job.memory_mb, job.gpus, job.held)
        if asked not in self._found:
            self._found[asked] = why_pending(asked, self._nodes).removeprefix("waiting").removeprefix(":").lstrip()
        return self._found[asked]


def why_waiting(window: JobWindow, nodes: Sequence[NodeFacts]) -> JobWindow:
    """Return the window with the reason of every PENDING job."""
    reasons = Reasons(nodes)
    waiting = {row.id: reasons.of(row) for row in window.rows if row.state is JobState.PENDING}
    return window if waiting == window.waiting else replace(window, waiting=waiting)


# Where a job went that is no longer in the database.


def archived_in(conn: Connection, job_id: int) -> str | None:
    """``FILE on host NAME`` of the latest archive that has the job, None when none has."""
    row = conn.execute(statement("archived_in"), {"job": job_id}).one_or_none()
    return None if row is None else f"{row.path} on host {row.hostname}"

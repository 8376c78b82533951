"""Everything known of one job: script, environment, attempts, history and why it waits."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, RowMapping

from backend.domain.pending import why_pending
from backend.domain.states import JobState
from backend.readmodel.jobs import read_jobs
from backend.readmodel.nodes import read_nodes
from backend.readmodel.records import AllocationRow, EventRow, JobDetail, JobRow, WorkerRow
from backend.readmodel.statements import statement

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


def event(row: RowMapping) -> EventRow:
    """Make an event of a row that has the columns of ``events``."""
    values: dict[str, Any] = dict(row)
    for column in ("from_state", "to_state"):
        values[column] = JobState(values[column]) if values[column] else None
    return EventRow(**values)

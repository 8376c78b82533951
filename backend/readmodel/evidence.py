"""What is known of the processes of one job: for the orphan screen and the screen of the job."""

from collections.abc import Sequence

from sqlalchemy import Connection

from backend.actions.forecast import would
from backend.anomalies.attempts import Attempt
from backend.anomalies.detect import describe, examine, explain
from backend.process.procfs import command_line, scan
from backend.process.record import Record
from backend.readmodel.processes import ProcessReader, targets_of
from backend.readmodel.records import WorkerRow
from backend.readmodel.trees import EvidenceView
from backend.settings import Settings

__all__ = ["EvidenceView", "read_evidence"]


def read_evidence(
    conn: Connection, settings: Settings, job_id: int, workers: Sequence[WorkerRow], processes: ProcessReader
) -> EvidenceView:
    """Look at the latest attempt of a job; signals and writes nothing."""
    attempt = targets_of(conn, [job_id]).get(job_id)
    if attempt is None:
        return EvidenceView(job_id)
    record = attempt.record() if attempt.here else None
    found = examine(conn, settings, [attempt.allocation_id])
    return EvidenceView(
        job_id,
        kind=found[0].kind if found else None,
        detail=explain(found[0]) if found else "",
        would=would(found[0]) if found else "",
        worker=next((worker for worker in workers if worker.id == attempt.worker_id), None),
        worker_id=attempt.worker_id,
        node_name=attempt.node_name,
        hostname=attempt.hostname,
        here=attempt.here,
        process_id=attempt.process_id,
        command=command_line(attempt.process_id) if attempt.process_id and attempt.here else "",
        record=_said(attempt, record),
        spool_dir=attempt.spool_dir or "",
        tree=processes.of_attempt(attempt, scan()),
    )


def _said(attempt: Attempt, record: Record | None) -> str:
    if not attempt.started:
        return "never started"
    return describe(record) if record is not None else ""

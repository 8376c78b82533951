"""What is known of the processes of one job: for the orphan screen and the screen of the job."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from backend.actions.forecast import would
from backend.anomalies.attempts import Attempt
from backend.anomalies.detect import describe, examine, explain
from backend.domain.states import AnomalyKind
from backend.process.procfs import command_line, scan
from backend.process.spool import Record, read_record
from backend.readmodel.processes import ProcessReader, ProcessTree, targets_of
from backend.readmodel.records import WorkerRow
from backend.settings import Settings

NEVER = ProcessTree(unseen="it was never started")


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """What this host shows of the latest attempt of a job. ``kind`` is None when nothing is wrong.

    ``record`` is the exit status in the spool in words, empty when there is none; ``would`` what clean-up would do.
    """

    job_id: int
    kind: AnomalyKind | None = None
    detail: str = ""
    would: str = ""
    worker: WorkerRow | None = None
    worker_id: int | None = None
    node_name: str = ""
    hostname: str = ""
    here: bool = True
    process_id: int | None = None
    command: str = ""
    record: str = ""
    spool_dir: str = ""
    tree: ProcessTree = NEVER


def read_evidence(
    conn: Connection, settings: Settings, job_id: int, workers: Sequence[WorkerRow], processes: ProcessReader
) -> EvidenceView:
    """Look at the latest attempt of a job; signals and writes nothing."""
    attempt = targets_of(conn, [job_id]).get(job_id)
    if attempt is None:
        return EvidenceView(job_id)
    record = read_record(attempt.spool_dir) if attempt.spool_dir and attempt.here else None
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

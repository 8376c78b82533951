"""The columns of the audit, the anomalies and the queue, and the names of the columns of every list."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobwarden.backend.domain.states import AnomalyKind
from jobwarden.backend.domain.units import format_age, format_memory
from jobwarden.backend.queries.models.jobs import AnomalyRow, EventRow
from jobwarden.backend.queries.models.pages import QueueRow
from jobwarden.tui.columns.jobs import JOB_COLUMNS
from jobwarden.tui.columns.nodes import NODE_COLUMNS
from jobwarden.tui.theme.states import ANOMALY_GLYPH, STATE_LOOKS, job_look
from jobwarden.tui.widgets.table.columns import Cell, Column, Moment

# The columns of the audit.


def _at(row: EventRow, moment: Moment) -> Cell:
    """The day only where it is not today."""
    at, now = row.at.astimezone(), moment.now.astimezone()
    return Cell(at.strftime("      %H:%M:%S" if at.date() == now.date() else "%m-%d %H:%M:%S"), "dim")


def _about(row: EventRow, _: Moment) -> Cell:
    return Cell(str(row.job_id)) if row.job_id else Cell(str(row.detail.get("node_name", "")), "dim")


def _state(row: EventRow, _: Moment) -> Cell:
    if row.to_state is None or row.to_state is row.from_state:
        return Cell("")
    look = STATE_LOOKS[row.to_state]
    return Cell(str(look), look.role)


def said(detail: Mapping[str, Any]) -> str:
    """Return the evidence of an event as ``key=value``; what another column shows is left out."""
    return " ".join(f"{key}={value}" for key, value in detail.items() if key != "node_name" and value is not None)


def _event_why(row: EventRow, _: Moment) -> Cell:
    return Cell("  ".join(part for part in (row.reason or "", said(row.detail)) if part))


EVENT_COLUMNS: tuple[Column[EventRow], ...] = (
    Column("at", "AT", 14, 0, _at),
    Column("about", "JOB/NODE", 9, 0, _about, right=True, sort=lambda row: row.job_id),
    Column("action", "ACTION", 12, 0, lambda row, _: Cell(row.action), sort=lambda row: row.action),
    Column("state", "BECAME", 11, 1, _state, sort=lambda row: row.to_state),
    Column("actor", "ACTOR", 16, 2, lambda row, _: Cell(row.actor), flexible=True, widest=26,
           sort=lambda row: row.actor),
    Column("why", "REASON", 12, 0, _event_why, flexible=True, widest=240, reason=True),
)  # fmt: skip
"""In the order shown."""


# The columns of the anomalies.

SEVERITY = {kind: rank for rank, kind in enumerate(AnomalyKind)}


def evidence(detail: str) -> str:
    """Return what is known of an anomaly, the worker that a whole list has in common last.

    >>> evidence("worker 5 is dead, last heartbeat 28s ago; pid 4946 alive")
    'pid 4946 alive; worker 5 is dead, last heartbeat 28s ago'
    """
    worker, _, rest = detail.partition("; ")
    return f"{rest}; {worker}" if rest and worker.startswith("worker ") else detail


ORPHAN_COLUMNS: tuple[Column[AnomalyRow], ...] = (
    Column(
        "kind", "KIND", 13, 0, lambda row, _: Cell(f"{ANOMALY_GLYPH} {row.kind}", "anomaly"),
        sort=lambda row: SEVERITY[row.kind], help="what is wrong, worst first",
    ),
    Column("id", "JOB", 8, 0, lambda row, _: Cell(str(row.job_id)), right=True, sort=lambda row: row.job_id),
    Column("name", "NAME", 12, 1, lambda row, _: Cell(row.job_name), flexible=True, widest=28,
           sort=lambda row: row.job_name),
    Column("node", "NODE", 10, 3, lambda row, _: Cell(row.node_name or ""), sort=lambda row: row.node_name),
    Column(
        "pid", "PID", 8, 4, lambda row, _: Cell(str(row.process_id or "")), right=True, sort=lambda row: row.process_id,
        help="pid of the supervisor, or of the script when the supervisor is gone",
    ),
    Column("detail", "EVIDENCE", 20, 0, lambda row, _: Cell(evidence(row.detail), "dim"), flexible=True, widest=200,
        reason=True,
    ),
)  # fmt: skip
"""In the order shown."""


# The columns of the queue.


def _asked(row: QueueRow, _: Moment) -> Cell:
    job = row.job
    gpus = f" {job.gpus} gpu" if job.gpus else ""
    return Cell(f"{job.cpus} cpu {format_memory(job.memory_mb)}{gpus}")


def _place(row: QueueRow, _: Moment) -> Cell:
    return Cell(f"{row.place:,}" if row.place else "—", "" if row.place else "dim")


def _waits(row: QueueRow, moment: Moment) -> Cell:
    return Cell(format_age((moment.now - row.job.submit_time).total_seconds()))


def _waiting_why(row: QueueRow, _: Moment) -> Cell:
    """Waiting for one's turn is as it should be; what no node has never comes by itself."""
    never = row.why.startswith("no ")
    return Cell(str(job_look(row.job)) if row.job.held else row.why, "failed" if never else "pending")


QUEUE_COLUMNS: tuple[Column[QueueRow], ...] = (
    Column("place", "#", 5, 0, _place, right=True, sort=lambda row: row.place or None, help="place in the queue"),
    Column("id", "JOB", 8, 0, lambda row, _: Cell(str(row.job.id)), right=True, sort=lambda row: row.job.id),
    Column("priority", "PRIO", 5, 0, lambda row, _: Cell(str(row.job.priority), "" if row.job.priority else "dim"),
           right=True, sort=lambda row: row.job.priority),
    Column("name", "NAME", 12, 0, lambda row, _: Cell(row.job.name), flexible=True, widest=32,
           sort=lambda row: row.job.name),
    Column("account", "ACCOUNT", 10, 4, lambda row, _: Cell(row.job.account), sort=lambda row: row.job.account),
    Column("partition", "PARTITION", 10, 5, lambda row, _: Cell(row.job.partition, "dim"),
           sort=lambda row: row.job.partition),
    Column("asked", "REQUESTED", 16, 2, _asked, sort=lambda row: (row.job.cpus, row.job.memory_mb, row.job.gpus)),
    Column("waits", "WAITS", 6, 1, _waits, right=True, sort=lambda row: row.job.submit_time),
    Column("why", "WHY", 20, 0, _waiting_why, flexible=True, widest=80, reason=True, sort=lambda row: row.why),
)  # fmt: skip
"""In the order shown."""


_DECLARED: Mapping[str, Sequence[Any]] = {
    "jobs": JOB_COLUMNS,
    "orphans": ORPHAN_COLUMNS,
    "nodes": NODE_COLUMNS,
    "queue": QUEUE_COLUMNS,
    "events": EVENT_COLUMNS,
}
TABLES = {table: tuple(column.name for column in columns) for table, columns in _DECLARED.items()}
"""Screen -> names of the columns of its table."""

"""The columns of the anomalies."""

from backend.domain.states import AnomalyKind
from backend.readmodel.records import AnomalyRow
from tui.looks import ANOMALY_GLYPH
from tui.widgets.table.columns import Cell, Column

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
        help="pid of its supervisor; of its script where that is gone",
    ),
    Column("detail", "EVIDENCE", 20, 0, lambda row, _: Cell(evidence(row.detail), "dim"), flexible=True, widest=200,
        reason=True,
    ),
)  # fmt: skip
"""In the order shown."""

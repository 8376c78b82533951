"""The columns of the queue."""

from backend.domain.units import format_age, format_memory
from backend.readmodel.pages import QueueRow
from tui.looks import job_look
from tui.widgets.table.columns import Cell, Column, Moment


def _asked(row: QueueRow, _: Moment) -> Cell:
    job = row.job
    gpus = f" {job.gpus} gpu" if job.gpus else ""
    return Cell(f"{job.cpus} cpu {format_memory(job.memory_mb)}{gpus}")


def _place(row: QueueRow, _: Moment) -> Cell:
    return Cell(f"{row.place:,}" if row.place else "—", "" if row.place else "dim")


def _waits(row: QueueRow, moment: Moment) -> Cell:
    return Cell(format_age((moment.now - row.job.submit_time).total_seconds()))


def _why(row: QueueRow, _: Moment) -> Cell:
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
    Column("asked", "ASKED FOR", 16, 2, _asked, sort=lambda row: (row.job.cpus, row.job.memory_mb, row.job.gpus)),
    Column("waits", "WAITS", 6, 1, _waits, right=True, sort=lambda row: row.job.submit_time),
    Column("why", "WHY", 20, 0, _why, flexible=True, widest=80, reason=True, sort=lambda row: row.why),
)  # fmt: skip
"""In the order shown."""

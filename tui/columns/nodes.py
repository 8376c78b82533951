"""The columns of the nodes: one line for each worker, the capacity on the line of the newest one."""

from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.domain.units import format_age, format_memory
from jobwarden.backend.queries.workers import NodeRow
from jobwarden.tui.theme.states import beside, worker_look
from jobwarden.tui.widgets.header.render import bar
from jobwarden.tui.widgets.table.columns import Cell, Column, Moment

BAR = 6
"""Cells of a bar."""
SQUARES = str.maketrans(dict.fromkeys("▏▎▍▌▋▊▉", "▪") | {"█": "■"})
"""A row under the cursor is drawn dark on bright: blocks that fill their cells would be holes in it."""


def _state(row: NodeRow, _: Moment) -> Cell:
    look = worker_look(row.worker)
    return Cell(str(look), look.role)


def share(used: float, total: float, said: str) -> str:
    """Return a bar with its figure."""
    return f"{bar(used, total, BAR).translate(SQUARES)} {said}"


def _cpus(row: NodeRow, _: Moment) -> Cell:
    worker = row.worker
    return _of_node(row, share(worker.cpus_allocated, worker.cpus, f"{worker.cpus_allocated}/{worker.cpus}"))


def _memory(row: NodeRow, _: Moment) -> Cell:
    worker = row.worker
    used = format_memory(worker.memory_mb_allocated) if worker.memory_mb_allocated else "0"
    return _of_node(
        row, share(worker.memory_mb_allocated, worker.memory_mb, f"{used}/{format_memory(worker.memory_mb)}")
    )


def _gpus(row: NodeRow, _: Moment) -> Cell:
    worker = row.worker
    if not worker.gpus:
        return _of_node(row, "—")
    return _of_node(row, share(worker.gpus_allocated, worker.gpus, f"{worker.gpus_allocated}/{worker.gpus}"))


def _of_node(row: NodeRow, text: str) -> Cell:
    """Capacity belongs to the node, and counts only while it lives."""
    if not row.newest:
        return Cell("")
    return Cell(text, "dim" if row.worker.state is WorkerState.DEAD else "running")


def _lease(row: NodeRow, _: Moment) -> Cell:
    worker = row.worker
    if worker.ended_at is not None:
        return Cell("ended", "dim")
    return Cell(format_age(worker.lease_age), "bad" if worker.state is WorkerState.DEAD else "")


def _note(row: NodeRow, _: Moment) -> Cell:
    worker = row.worker
    if not row.newest:
        return Cell("former worker of the node", "dim")
    if worker.drained:
        return Cell(f"drained: {worker.drain_reason or 'no reason given'}", "pending")
    if worker.state is WorkerState.DRAINING:
        return Cell("its worker is stopping", "pending")
    return Cell(beside(worker_look(worker).word, worker.end_reason or ""), "dim")


def _node(row: NodeRow, _: Moment) -> Cell:
    return Cell(row.worker.node_name if row.newest else f"  └ {row.worker.node_name}")


NODE_COLUMNS: tuple[Column[NodeRow], ...] = (
    Column("node", "NODE", 10, 0, _node, flexible=True, widest=14, sort=lambda row: row.worker.node_name),
    Column("state", "STATE", 10, 0, _state, sort=lambda row: row.worker.state),
    Column("cpus", "CPU", 13, 0, _cpus, flexible=True, widest=24, sort=lambda row: row.worker.cpus_allocated),
    Column("memory", "MEMORY", 17, 0, _memory, flexible=True, widest=30,
           sort=lambda row: row.worker.memory_mb_allocated),
    Column("gpus", "GPU", 11, 6, _gpus, flexible=True, widest=24, sort=lambda row: row.worker.gpus_allocated),
    Column("jobs", "JOBS", 5, 2, lambda row, _: Cell(str(row.worker.running_jobs)), right=True,
           sort=lambda row: row.worker.running_jobs),
    Column("lease", "LEASE", 6, 1, _lease, right=True, sort=lambda row: row.worker.lease_age,
           help="age of the last heartbeat"),
    Column("worker", "WORKER", 6, 5, lambda row, _: Cell(str(row.worker.id), "dim"), right=True,
           sort=lambda row: row.worker.id),
    Column("pid", "PID", 8, 5, lambda row, _: Cell(str(row.worker.pid), "dim"), right=True),
    Column("host", "HOST", 12, 7, lambda row, _: Cell(row.worker.hostname, "dim")),
    Column("note", "NOTE", 10, 3, _note, flexible=True, widest=80, reason=True),
)  # fmt: skip
"""In the order shown."""

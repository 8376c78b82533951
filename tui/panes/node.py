"""Everything about a node and its worker."""

from datetime import datetime

from rich.console import RenderableType

from backend.domain.drains import OUTDATED
from backend.domain.states import WorkerState
from backend.domain.units import format_age, format_memory
from backend.readmodel.records import WorkerRow
from tui.looks import worker_look
from tui.panes.question import counted
from tui.widgets.facts.facts import Fact, Styles, facts


def node_pane(worker: WorkerRow, now: datetime, styles: Styles) -> RenderableType:
    """Return the pane; ages are from ``now``."""
    look = worker_look(worker)
    said = f"{look} {worker.id}, pid {worker.pid} on host {worker.hostname}"
    rows = [Fact("Worker", said, look.role)]
    if worker.state is WorkerState.DEAD:
        rows.append(_end(worker))
    if worker.drained:
        rows.append(Fact("Drained", worker.drain_reason or "no reason given", "pending"))
    if worker.outdated and worker.state is not WorkerState.DEAD:
        rows.append(Fact("Program", OUTDATED, "pending"))
    age = format_age((now - worker.started_at).total_seconds())
    rows += [
        Fact("Started", f"{age} ago, last heartbeat {format_age(worker.lease_age)} ago"),
        Fact("Granted", _granted(worker)),
        Fact("Free", _free(worker), "" if worker.state is WorkerState.ONLINE else "dim"),
        Fact("Spool", worker.spool, "dim"),
    ]
    return facts(rows, styles)


def _end(worker: WorkerRow) -> Fact:
    if worker.ended_at is None:
        jobs = f"{counted(worker.running_jobs, 'job')} left: see Orphans"
        return Fact("Died", f"unexpectedly; {jobs if worker.running_jobs else 'no job of it is left'}", "bad")
    return Fact("Stopped", worker.end_reason or "no reason given", "dim")


def _granted(worker: WorkerRow) -> str:
    jobs = counted(worker.running_jobs, "job")
    memory = format_memory(worker.memory_mb_allocated) if worker.memory_mb_allocated else "0"
    parts = [f"{worker.cpus_allocated} of {worker.cpus} CPUs", f"{memory} of {format_memory(worker.memory_mb)}"]
    if worker.gpus:
        parts.append(f"{worker.gpus_allocated} of {worker.gpus} GPUs")
    return f"{', '.join(parts)} to {jobs}"


def _free(worker: WorkerRow) -> str:
    """What the scheduler may still give; nothing of a node that takes no jobs."""
    if worker.state is not WorkerState.ONLINE:
        return f"nothing: the node is {worker.state.lower()}"
    memory = worker.memory_mb - worker.memory_mb_allocated
    parts = [f"{worker.cpus - worker.cpus_allocated} CPUs", format_memory(memory) if memory else "no memory"]
    if worker.gpus:
        parts.append(f"{worker.gpus - worker.gpus_allocated} GPUs")
    return ", ".join(parts)

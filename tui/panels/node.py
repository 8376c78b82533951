"""What is said of a node and its worker, and of Redis and RQ's queues."""

from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table

from jobwarden.backend.domain.states import OUTDATED, WorkerState
from jobwarden.backend.domain.units import counted, format_age, format_duration, format_memory
from jobwarden.backend.queries.models.jobs import WorkerRow
from jobwarden.backend.queries.models.pages import Bell, Bells
from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import worker_look
from jobwarden.tui.widgets.facts import Fact, Styles, facts


def bells_pane(bells: Bells, milliseconds: float, now: datetime, styles: Styles) -> RenderableType:
    """Return the pane: one line for Redis, one for the queue of each node."""
    if bells.error:
        said = f" ✗ Redis does not answer: {bells.error}; jobs still start, within seconds"
        return Text(said, style=styles.get("bad", ""))
    line = Text(f" ● {bells.version}", style=styles.get("good", ""))
    told = (
        f"  answers in {milliseconds:.1f} ms, up {format_duration(bells.uptime)}, {counted(bells.clients, 'client')},"
    )
    line.append(f"{told} {bells.memory_mb:.1f} MiB", style=styles.get("dim", ""))
    return Group(line, _queues(bells.queues, now, styles)) if bells.queues else line


def _queues(queues: tuple[Bell, ...], now: datetime, styles: Styles) -> Table:
    dim = styles.get("dim", "")
    grid = Table(box=None, padding=(0, 1), show_edge=False, header_style=dim)
    grid.add_column("RQ QUEUE", min_width=12, no_wrap=True)
    for title in ("MESSAGES", "OLDEST", "LISTENERS", "FAILED"):
        grid.add_column(title, justify="right", width=9, no_wrap=True)
    for bell in queues:
        oldest = format_age((now - bell.oldest).total_seconds()) if bell.oldest else ""
        heard = Text(str(bell.listeners), style=styles.get("" if bell.listeners else "bad", ""))
        failed = Text(str(bell.failed), style=styles.get("failed" if bell.failed else "", ""))
        grid.add_row(Text(bell.node_name), str(bell.messages), oldest, heard, failed)
    return grid


# Everything about a node and its worker.


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
    parts = [
        f"{worker.cpus_allocated} of {counted(worker.cpus, 'CPU')}",
        f"{memory} of {format_memory(worker.memory_mb)}",
    ]
    if worker.gpus:
        parts.append(f"{worker.gpus_allocated} of {counted(worker.gpus, 'GPU')}")
    return f"{', '.join(parts)} to {jobs}"


def _free(worker: WorkerRow) -> str:
    """What the scheduler may still give; nothing of a node that takes no jobs."""
    if worker.state is not WorkerState.ONLINE:
        return f"nothing: the node is {worker.state.lower()}"
    memory = worker.memory_mb - worker.memory_mb_allocated
    parts = [counted(worker.cpus - worker.cpus_allocated, "CPU"), format_memory(memory) if memory else "no memory"]
    if worker.gpus:
        parts.append(counted(worker.gpus - worker.gpus_allocated, "GPU"))
    return ", ".join(parts)

"""What is said of an anomaly: the evidence, what clean-up would do, and the tree of processes."""

from rich.console import Group, RenderableType
from rich.table import Table

from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.domain.units import format_age, format_duration, format_memory, name_processes
from jobwarden.backend.queries.models.jobs import AnomalyRow, WorkerRow
from jobwarden.backend.queries.models.processes import EvidenceView, ProcessRow, ProcessTree
from jobwarden.tui.text import Text, shown_command
from jobwarden.tui.theme.states import ANOMALY_GLYPH, worker_look
from jobwarden.tui.widgets.facts import Fact, Styles, facts

# The process tree of a job.

STATES = {"R": "running", "S": "sleeping", "D": "in kernel", "T": "stopped", "Z": "zombie", "I": "idle", "t": "traced"}
"""Letters of /proc/PID/stat in words."""
SHOWN = 200
"""Processes that are listed one by one."""


def process_tree(tree: ProcessTree, styles: Styles) -> RenderableType:
    """Return the tree, supervisor first; what may be the job's without proof stands apart."""
    dim = styles.get("dim", "")
    if tree.unseen:
        return Text(f" {tree.unseen}", style=dim)
    if not tree.rows and not tree.suspects:
        return Text(" no processes left", style=dim)
    grid = Table(box=None, padding=(0, 1), expand=True, show_edge=False, header_style=dim)
    for title, width in (("PID", 8), ("CPU%", 5), ("MEM", 7), ("AGE", 9)):
        grid.add_column(title, justify="right", width=width, no_wrap=True)
    grid.add_column("STATE", width=9, no_wrap=True)
    grid.add_column("COMMAND", ratio=1, no_wrap=True, overflow="ellipsis")
    for row in tree.rows[:SHOWN]:
        grid.add_row(*_cells(row, styles))
    if len(tree.rows) > SHOWN:
        grid.add_row("", "", "", "", "", Text(f"… and {len(tree.rows) - SHOWN:,} more", style=dim))
    if tree.suspects:
        grid.add_row("", "", "", "", "", Text("may belong to the job, unproven; never signalled:", style=dim))
    for row in tree.suspects[:SHOWN]:
        grid.add_row(*_cells(row, styles))
    return grid


def _cells(row: ProcessRow, styles: Styles) -> tuple[RenderableType, ...]:
    """What may not be seen is a dash: zero would be a claim."""
    dim = styles.get("dim", "")
    indent = "  " * (row.depth - 1) + "└ " if row.depth else ""
    command = "supervisor" if row.supervisor else shown_command(row.cmdline) or "—"
    return (
        str(row.pid),
        "—" if row.cpu_percent is None else f"{row.cpu_percent:.0f}",
        "—" if row.memory_mb is None else format_memory(max(1, round(row.memory_mb))),
        format_duration(row.age_seconds),
        Text(STATES.get(row.state, row.state), style=styles.get("failed" if row.state in "DTZ" else "dim", "")),
        Text(indent + command, style=dim if row.supervisor else ""),
    )


def evidence_pane(anomaly: AnomalyRow, view: EvidenceView | None, styles: Styles) -> RenderableType:
    """Return the pane; ``view`` is None until the read model has looked at the job."""
    if view is None:
        return facts([_kind(anomaly), Fact("", "reading processes …", "dim")], styles)
    known = [_kind(anomaly), Fact("Clean-up", view.would or "nothing left to do", "pending")]
    known += [_worker(view), Fact("Exit status", _record(view), "" if view.record else "dim")]
    more = [Fact("Process", _process(view))]
    if view.command or anomaly.cmdline:
        more.append(Fact("Command", view.command or anomaly.cmdline))
    if view.spool_dir:
        more.append(Fact("Spool", view.spool_dir, "dim"))
    tree = process_tree(view.tree, styles)
    return Group(facts(known, styles), tree, Text(""), facts(more, styles))


def processes_pane(view: EvidenceView | None, styles: Styles) -> RenderableType:
    """Return the processes of a job with its worker; ``view`` is None until the read model has looked."""
    if view is None:
        return Text(" reading processes …", style=styles.get("dim", ""))
    rows = [_worker(view), Fact("Exit status", _record(view), "" if view.record else "dim")] if view.worker_id else []
    return Group(facts(rows, styles), process_tree(view.tree, styles)) if rows else process_tree(view.tree, styles)


def _kind(anomaly: AnomalyRow) -> Fact:
    return Fact(f"{ANOMALY_GLYPH} {anomaly.kind.capitalize()}", anomaly.detail, "anomaly")


def _worker(view: EvidenceView) -> Fact:
    worker = view.worker
    if worker is None:
        return Fact("Worker", f"✗ {view.worker_id} on {view.node_name}, removed long ago", "bad")
    look = worker_look(worker)
    return Fact("Worker", f"{look} {worker.id} on {worker.node_name}, pid {worker.pid}, {_heard(worker)}", look.role)


def _heard(worker: WorkerRow) -> str:
    end = f", {worker.end_reason}" if worker.state is WorkerState.DEAD and worker.end_reason else ""
    return f"last heartbeat {format_age(worker.lease_age)} ago{end}"


def _process(view: EvidenceView) -> str:
    return name_processes([view.process_id], view.process_id) if view.process_id else "never started"


def _record(view: EvidenceView) -> str:
    if not view.here:
        return f"on host {view.hostname}"
    return view.record or "none in the spool"

"""The evidence about one anomaly, and what clean-up would do."""

from rich.console import Group, RenderableType

from backend.domain.pids import name_processes
from backend.domain.states import WorkerState
from backend.domain.units import format_age
from backend.readmodel.records import AnomalyRow, WorkerRow
from backend.readmodel.trees import EvidenceView
from tui.looks import ANOMALY_GLYPH, worker_look
from tui.panes.processes import process_tree
from tui.text import Text
from tui.widgets.facts.facts import Fact, Styles, facts


def evidence_pane(anomaly: AnomalyRow, view: EvidenceView | None, styles: Styles) -> RenderableType:
    """Return the pane; ``view`` is None until the read model has looked at the job."""
    if view is None:
        return facts([_kind(anomaly), Fact("", "looking at its processes …", "dim")], styles)
    known = [_kind(anomaly), Fact("Clean-up", view.would or "nothing to do any more", "pending")]
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
        return Text(" looking at its processes …", style=styles.get("dim", ""))
    rows = [_worker(view), Fact("Exit status", _record(view), "" if view.record else "dim")] if view.worker_id else []
    return Group(facts(rows, styles), process_tree(view.tree, styles)) if rows else process_tree(view.tree, styles)


def _kind(anomaly: AnomalyRow) -> Fact:
    return Fact(f"{ANOMALY_GLYPH} {anomaly.kind.capitalize()}", anomaly.detail, "anomaly")


def _worker(view: EvidenceView) -> Fact:
    worker = view.worker
    if worker is None:
        return Fact("Worker", f"✗ {view.worker_id} on {view.node_name}, gone for long", "bad")
    look = worker_look(worker)
    return Fact("Worker", f"{look} {worker.id} on {worker.node_name}, pid {worker.pid}, {_heard(worker)}", look.role)


def _heard(worker: WorkerRow) -> str:
    end = f", {worker.end_reason}" if worker.state is WorkerState.DEAD and worker.end_reason else ""
    return f"last heartbeat {format_age(worker.lease_age)} ago{end}"


def _process(view: EvidenceView) -> str:
    return name_processes([view.process_id], view.process_id) if view.process_id else "never started"


def _record(view: EvidenceView) -> str:
    if not view.here:
        return f"lies on host {view.hostname}"
    return view.record or "none in the spool"

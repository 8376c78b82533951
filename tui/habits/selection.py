"""What is selected on the screen, in the forms that can be copied or opened."""

from pathlib import Path
from typing import Any, TypeVar

from textual.screen import Screen

from backend.harmless import escaped
from backend.readmodel.logs_follow import log_path
from backend.readmodel.records import DetailView, JobRow
from backend.readmodel.trees import EvidenceView
from tui.desk import Kept
from tui.widgets.table.virtual import VirtualTable

Kind = TypeVar("Kind")


def table_of(screen: Screen[Any]) -> VirtualTable[Any] | None:
    """Return the table of a screen: the one with the keys where there are several."""
    tables = list(screen.query(VirtualTable))
    return next((table for table in tables if table.has_focus), tables[0] if tables else None)


def job_id_of(screen: Screen[Any]) -> int | None:
    """Return the selected job, None on a screen or a row without one."""
    selected = getattr(screen, "selected_id", None)
    return None if selected is None else selected()


def copied(what: str, screen: Screen[Any], kept: Kept) -> str:
    """Return the text to copy, empty when there is none: ``id``, ``row``, ``pid`` or ``command``."""
    job_id, table = job_id_of(screen), table_of(screen)
    if what == "id":
        return "" if job_id is None else str(job_id)
    if what == "row":
        return "" if table is None else _row(table)
    return "" if job_id is None else str(_of_process(what, job_id, screen, kept) or "")


def job_of(screen: Screen[Any], kept: Kept) -> JobRow | None:
    """Return the selected job as a row: that of the list, or that of the open job."""
    job_id, table = job_id_of(screen), table_of(screen)
    if table is not None and isinstance(table.selected, JobRow):
        return table.selected
    view = _latest(kept, DetailView)
    return view.detail.job if view is not None and view.detail is not None and view.job_id == job_id else None


def log_of(screen: Screen[Any], kept: Kept) -> Path | None:
    """Return the selected job's log file when it is on this host."""
    job = job_of(screen, kept)
    path = None if job is None else log_path(job)
    return path if path is not None and path.exists() else None


def script_of(screen: Screen[Any], kept: Kept) -> str | None:
    """Return the text of the selected job's script, from the open job, else from its folder on this host."""
    job_id, job = job_id_of(screen), job_of(screen, kept)
    view = _latest(kept, DetailView)
    if view is not None and view.detail is not None and view.job_id == job_id:
        return view.detail.script
    if job is None or job.spool_dir is None or job.remote_host is not None:
        return None
    try:
        return (Path(job.spool_dir) / f"job_{job.id}.sh").read_text("utf-8", errors="surrogateescape")
    except OSError:
        return None


def _latest(kept: Kept, kind: type[Kind]) -> Kind | None:
    return next((news for news in kept if isinstance(news, kind)), None)


def _row(table: VirtualTable[Any]) -> str:
    """The cells of the row with the cursor, tabs between."""
    if table.selected is None:
        return ""
    moment = table.moment()
    return "\t".join(escaped(column.cell(table.selected, moment).text) for column in table.columns)


def _of_process(what: str, job_id: int, screen: Screen[Any], kept: Kept) -> object:
    """Pid or command line, from the evidence that is shown, the anomalies, the row."""
    view = _latest(kept, EvidenceView)
    anomaly = next((row for row in kept.snapshot.anomalies if row.job_id == job_id), None)
    job = job_of(screen, kept)
    if what == "pid":
        sources = (view if view and view.job_id == job_id else None, anomaly, job)
        return next((one.process_id for one in sources if one is not None and one.process_id), None)
    if view is not None and view.job_id == job_id and view.command:
        return view.command
    return anomaly.cmdline if anomaly is not None else None

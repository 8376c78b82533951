"""What is selected on the screen, in the forms that can be copied or opened in the person's pager and editor."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from textual.screen import Screen

from jobwarden.backend.errors import Refused
from jobwarden.backend.feeds.logs import log_path
from jobwarden.backend.harmless import escaped
from jobwarden.backend.queries.models.jobs import DetailView, JobRow
from jobwarden.backend.queries.models.processes import EvidenceView
from jobwarden.tui.context import LatestNews
from jobwarden.tui.widgets.table.virtual import VirtualTable


def pager(env: Mapping[str, str], *, harmless: bool = False) -> list[str]:
    """Return the command line of the pager; ``harmless`` asks ``less`` to start no other program.

    Raises Refused when there is none.
    """
    return [*(["env", "LESSSECURE=1"] if harmless else []), *_program(env, ("PAGER",), ("less", "more"))]


def editor(env: Mapping[str, str]) -> list[str]:
    """Return the command line of the editor. Raises Refused when there is none."""
    return _program(env, ("VISUAL", "EDITOR"), ("vi", "nano"))


def show(command: list[str], path: Path) -> None:
    """Run a program on a file, and wait for it. Raises Refused when it cannot be started."""
    try:
        subprocess.run([*command, os.fspath(path)], check=False)
    except OSError as exc:
        raise Refused(f"cannot run {command[0]}: {exc.strerror}") from exc


def _program(env: Mapping[str, str], variables: tuple[str, ...], usual: tuple[str, ...]) -> list[str]:
    for variable in variables:
        if words := shlex.split(env.get(variable, "")):
            if shutil.which(words[0]) is None:
                raise Refused(f"{variable} is {words[0]!r}, which is not installed")
            return words
    found = next((name for name in usual if shutil.which(name)), None)
    if found is None:
        raise Refused(f"set {variables[-1]}: none of {', '.join(usual)} is installed")
    return [found]


Kind = TypeVar("Kind")


def table_of(screen: Screen[Any]) -> VirtualTable[Any] | None:
    """Return the table of a screen: the one with the keys where there are several."""
    tables = list(screen.query(VirtualTable))
    return next((table for table in tables if table.has_focus), tables[0] if tables else None)


def job_id_of(screen: Screen[Any]) -> int | None:
    """Return the selected job, None on a screen or a row without one."""
    selected = getattr(screen, "selected_id", None)
    return None if selected is None else selected()


def copied(what: str, screen: Screen[Any], kept: LatestNews) -> str:
    """Return the text to copy, empty when there is none: ``id``, ``row``, ``pid`` or ``command``."""
    job_id, table = job_id_of(screen), table_of(screen)
    if what == "id":
        return "" if job_id is None else str(job_id)
    if what == "row":
        return "" if table is None else _row(table)
    return "" if job_id is None else str(_of_process(what, job_id, screen, kept) or "")


def job_of(screen: Screen[Any], kept: LatestNews) -> JobRow | None:
    """Return the selected job as a row: that of the list, or that of the open job."""
    job_id, table = job_id_of(screen), table_of(screen)
    if table is not None and isinstance(table.selected, JobRow):
        return table.selected
    view = _latest(kept, DetailView)
    return view.detail.job if view is not None and view.detail is not None and view.job_id == job_id else None


def log_of(screen: Screen[Any], kept: LatestNews) -> Path | None:
    """Return the selected job's log file when it is on this host."""
    job = job_of(screen, kept)
    path = None if job is None else log_path(job)
    return path if path is not None and path.exists() else None


def script_of(screen: Screen[Any], kept: LatestNews) -> str | None:
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


def _latest(kept: LatestNews, kind: type[Kind]) -> Kind | None:
    return next((news for news in kept if isinstance(news, kind)), None)


def _row(table: VirtualTable[Any]) -> str:
    """The cells of the row with the cursor, tabs between."""
    if table.selected is None:
        return ""
    moment = table.moment()
    return "\t".join(escaped(column.cell(table.selected, moment).text) for column in table.columns)


def _of_process(what: str, job_id: int, screen: Screen[Any], kept: LatestNews) -> object:
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

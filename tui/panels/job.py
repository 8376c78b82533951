"""The parts of the screen of one job, as plain functions of its detail. What users gave is plain text, no markup."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table

from jobwarden.backend.domain.states import FailureReason, JobState, with_message
from jobwarden.backend.domain.units import counted, format_duration, format_memory, name_processes
from jobwarden.backend.harmless import dotted
from jobwarden.backend.queries.models.jobs import AllocationRow, AnomalyRow, EventRow, JobDetail, JobRow
from jobwarden.tui.columns.jobs import elapsed_seconds
from jobwarden.tui.columns.lists import said
from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import ANOMALY_GLYPH, STATE_LOOKS, job_look, outcome
from jobwarden.tui.widgets.facts import Fact, Styles, facts, heading

SCRIPT_LINES = 2000
"""Lines of the script that are shown."""
SCRIPT_CHARACTERS = 200_000
"""Characters of the script that are looked at: its words are coloured while somebody waits."""
LONGEST_LINE = 2000
"""Characters of a line of the script that are shown."""


def job_title(job: JobRow, anomaly: AnomalyRow | None, styles: Styles) -> Text:
    """Return ``Job 53 train  ● RUNNING  ⚠ ORPHAN``."""
    look = job_look(job)
    text = Text(" Job ", style="bold").append(f"{job.id}  {job.name}")
    text.append(f"   {look}", style=styles.get(look.role, ""))
    if anomaly is not None:
        text.append("   ").append(f" {ANOMALY_GLYPH} {anomaly.kind} ", style=styles.get("alarm", ""))
    return text


def overview(detail: JobDetail, anomaly: AnomalyRow | None, now: datetime, styles: Styles) -> RenderableType:
    """Return what it is, what became of it and when, and its attempts."""
    rows = facts(_facts(detail, anomaly, now), styles)
    title = heading("Allocations")
    if not detail.allocations:
        return Group(rows, Text(""), title, Text("   none yet", style=styles.get("dim", "")))
    return Group(rows, Text(""), title, _allocations(detail.allocations, styles))


def history(events: Iterable[EventRow], styles: Styles) -> RenderableType:
    """Return the events, the newest first: at 3 a.m. the last thing that happened matters most."""
    grid = Table.grid(padding=(0, 1))
    grid.expand = True
    for width in (20, 12, 11):
        grid.add_column(width=width, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    for row in sorted(events, key=lambda row: row.id, reverse=True):
        look = STATE_LOOKS[row.to_state] if row.to_state and row.to_state != row.from_state else None
        became = Text(str(look), style=styles.get(look.role, "")) if look else Text("")
        why = "  ".join(part for part in (row.reason or "", said(row.detail)) if part)
        at = Text(f" {when(row.at)}", style=styles.get("dim", ""))
        about = Text(row.actor, style=styles.get("dim", "")).append(f"  {why}", style="not dim")
        grid.add_row(at, Text(row.action), became, about)
    return grid if grid.row_count else Text("   no events", style=styles.get("dim", ""))


def script(detail: JobDetail, styles: Styles) -> RenderableType:
    """Return the script with its lines numbered and its words coloured; no control code in it survives."""
    lines = detail.script[:SCRIPT_CHARACTERS].splitlines()
    shown = "\n".join(dotted(line[:LONGEST_LINE].expandtabs(4), LONGEST_LINE) for line in lines[:SCRIPT_LINES])
    if not shown.strip():
        return Text("   empty", style=styles.get("dim", ""))
    code = Syntax(shown, language(lines[0]), theme="ansi_dark", line_numbers=True, word_wrap=True)
    if len(lines) <= SCRIPT_LINES and len(detail.script) <= SCRIPT_CHARACTERS:
        return code
    more = len(detail.script.splitlines()) - min(len(lines), SCRIPT_LINES)
    left = f"{counted(more, 'more line')}" if more > 0 else "the rest is not shown"
    return Group(code, Text(f"   … {left}", style=styles.get("dim", "")))


def language(first_line: str) -> str:
    """Return the name of the language that the first line says the script is in.

    >>> language("#!/usr/bin/env python3"), language("echo hello")
    ('python', 'bash')
    """
    known = {"python": "python", "perl": "perl", "ruby": "ruby", "node": "javascript", "Rscript": "r", "lua": "lua"}
    if not first_line.startswith("#!"):
        return "bash"
    return next((name for word, name in known.items() if word in first_line), "bash")


def environment(detail: JobDetail, styles: Styles) -> RenderableType:
    """Return what the job was given besides its script: directory, arguments, variables."""
    rows = [Fact("Work dir", detail.work_dir)]
    rows += [Fact(f"Argument {place}", repr(given)) for place, given in enumerate(detail.arguments, start=1)]
    grid = Table.grid(padding=(0, 1))
    grid.expand = True
    grid.add_column(max_width=32, overflow="fold")
    grid.add_column(ratio=1, overflow="fold")
    for name, value in sorted(detail.environment.items()):
        grid.add_row(Text(f" {name}", style=styles.get("dim", "")), Text(value))
    known = (
        grid if detail.environment else Text("   only the variables that jobwarden sets", style=styles.get("dim", ""))
    )
    return Group(facts(rows, styles), Text(""), heading("Variables"), known)


def when(moment: datetime | None) -> str:
    """Return a moment in local time."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else "—"


def _facts(detail: JobDetail, anomaly: AnomalyRow | None, now: datetime) -> Iterable[Fact]:
    job = detail.job
    if anomaly is not None:
        yield Fact(f"{ANOMALY_GLYPH} {anomaly.kind.capitalize()}", anomaly.detail, "anomaly")
    if detail.pending_reason:
        yield Fact("Why", _held(detail) if job.held else detail.pending_reason, "pending")
    if ended := _ended(job):
        yield Fact("Outcome", ended, "failed" if job.state is JobState.FAILED else "")
    yield from _times(job, now)
    yield Fact("Requested", _resources(job))
    yield Fact("For", f"account {job.account}, partition {job.partition}, priority {job.priority}")
    yield Fact("Node", _node(job))
    if job.process_id:
        yield Fact("Process", name_processes([job.process_id], job.process_id))
    if detail.resubmit_of:
        yield Fact("Resubmit", f"of job {detail.resubmit_of}")


def _held(detail: JobDetail) -> str:
    """Who holds it, since when and why; its state says that it is held."""
    holds = (event for event in detail.events if event.action in ("hold", "submit"))
    last = max(holds, key=lambda event: event.id, default=None)
    if last is None:
        return "held"
    reason = f": {last.reason}" if last.reason else ""
    return f"held by {last.actor} since {when(last.at)}{reason}"


def _ended(job: JobRow) -> str:
    """How it ended; the message alone where it has the exit code or the signal in its own words."""
    by_itself = job.failure_reason in (None, FailureReason.SCRIPT_ERROR)
    return job.error_msg if by_itself and job.error_msg else with_message(outcome(job), job.error_msg)


def _times(job: JobRow, now: datetime) -> Iterable[Fact]:
    yield Fact("Submitted", when(job.submit_time))
    if job.start_time:
        waited = format_duration((job.start_time - job.submit_time).total_seconds())
        yield Fact("Started", f"{when(job.start_time)}   waited {waited}")
    elapsed = elapsed_seconds(job, now)
    if job.end_time:
        ran = f"   ran {format_duration(elapsed)}" if elapsed is not None else ""
        yield Fact("Ended", f"{when(job.end_time)}{ran}")
    elif elapsed is not None:
        yield Fact("Running", f"{format_duration(elapsed)}{_left(job, elapsed)}")


def _left(job: JobRow, elapsed: float) -> str:
    if job.time_limit is None:
        return ""
    left = job.time_limit - elapsed
    return f", {format_duration(left)} left" if left >= 0 else f", {format_duration(-left)} over its time limit"


def _resources(job: JobRow) -> str:
    parts = [counted(job.cpus, "CPU"), f"{format_memory(job.memory_mb)} of memory"]
    if job.gpus:
        parts.append(counted(job.gpus, "GPU"))
    limit = f"at most {format_duration(job.time_limit)}" if job.time_limit else "no time limit"
    return ", ".join([*parts, limit])


def _node(job: JobRow) -> str:
    """The node, with its host when that is not the one the reader sits at."""
    if job.remote_host is None:
        return job.node_name or "—"
    return f"{job.node_name or '—'} (host {job.remote_host}: its log and processes can be looked at only there)"


def _allocations(rows: Iterable[AllocationRow], styles: Styles) -> Table:
    grid = Table.grid(padding=(0, 2))
    for row in rows:
        pid = name_processes([row.process_id], row.process_id) if row.process_id else "never started"
        granted = f"{counted(row.allocated_cpus, 'CPU')}, {format_memory(row.allocated_memory_mb)}"
        held = Text("● held", style=styles.get("running", ""))
        freed = Text(f"released {when(row.released_time)}", style=styles.get("dim", ""))
        cells = (f"  {row.id}", when(row.allocation_time), row.node_name, pid, granted)
        grid.add_row(*(Text(cell) for cell in cells), freed if row.released else held)
    return grid

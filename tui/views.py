"""Texts of the screen of one job, as plain functions of its detail. Whatever users gave is plain text, no markup."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from rich.text import Text

from backend.domain.states import JobState
from backend.domain.units import format_duration, format_memory
from backend.readmodel.records import AllocationRow, AnomalyRow, EventRow, JobDetail, JobRow
from tui.commands import shown_command
from tui.looks import ANOMALY_GLYPH, STATE_LOOKS, job_look, outcome
from tui.widgets.jobs.columns import elapsed_seconds

Styles = Mapping[str, str]
LABEL = 11
"""Cells of a label."""
SCRIPT_LINES = 200
"""Lines of the script that are shown."""


def job_title(job: JobRow, anomaly: AnomalyRow | None, styles: Styles) -> Text:
    """Return ``Job 53 train  ● RUNNING  ⚠ ORPHAN``."""
    look = job_look(job)
    text = Text(" Job ", style="bold").append(f"{job.id}  {plain(job.name)}")
    text.append(f"   {look}", style=styles.get(look.role, ""))
    if anomaly is not None:
        text.append("   ").append(f" {ANOMALY_GLYPH} {anomaly.kind} ", style=styles.get("alarm", ""))
    return text


def job_text(detail: JobDetail, anomaly: AnomalyRow | None, now: datetime, styles: Styles) -> Text:
    """Return everything about a job under its title."""
    parts = [
        *_facts(detail, anomaly, now, styles),
        *_section("Allocations", _allocations(detail.allocations, styles), "none yet", styles),
        *_section("History", _history(detail.events, styles), "no events", styles),
        *_section("Script", _script(detail.script, styles), "empty", styles),
    ]
    return Text("\n").join(parts)


def plain(text: str) -> str:
    """Replace what is not printable, so that a name cannot move the cursor."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def when(moment: datetime | None) -> str:
    """Return a moment in local time."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else "—"


def _facts(detail: JobDetail, anomaly: AnomalyRow | None, now: datetime, styles: Styles) -> list[Text]:
    job = detail.job
    rows: list[tuple[str, str, str]] = []
    if anomaly is not None:
        rows.append((ANOMALY_GLYPH + " " + anomaly.kind.capitalize(), anomaly.detail, "anomaly"))
        if anomaly.process_id:
            rows.append(("Process", f"pid {anomaly.process_id}  {shown_command(anomaly.cmdline)}", ""))
    if detail.pending_reason:
        rows.append(("Why", detail.pending_reason, "pending"))
    if ended := " — ".join(part for part in (outcome(job), job.error_msg or "") if part):
        rows.append(("Outcome", ended, "failed" if job.state is JobState.FAILED else ""))
    rows += [*_times(job, now), ("Asked for", _resources(job), ""), ("For", _owner(job), "")]
    rows.append(("Node", _node(job), ""))
    rows.append(("Work dir", detail.work_dir, ""))
    if detail.arguments:
        rows.append(("Arguments", " ".join(repr(argument) for argument in detail.arguments), ""))
    if detail.environment:
        rows.append(("Environment", " ".join(f"{key}={value}" for key, value in detail.environment.items()), ""))
    if detail.resubmit_of:
        rows.append(("Resubmit", f"of job {detail.resubmit_of}", ""))
    return [_fact(label, value, styles.get(role, ""), styles) for label, value, role in rows]


def _fact(label: str, value: str, style: str, styles: Styles) -> Text:
    return Text.assemble((f" {label:<{LABEL}} ", styles.get("dim", "")), (plain(value), style))


def _times(job: JobRow, now: datetime) -> list[tuple[str, str, str]]:
    elapsed = elapsed_seconds(job, now)
    took = "" if elapsed is None else f"   {'ran' if job.end_time else 'running'} {format_duration(elapsed)}"
    rows = [("Submitted", when(job.submit_time), "")]
    if job.start_time:
        rows.append(("Started", when(job.start_time) + took, ""))
    if job.end_time:
        rows.append(("Ended", when(job.end_time), ""))
    return rows


def _resources(job: JobRow) -> str:
    parts = [f"{job.cpus} CPU{'s' if job.cpus != 1 else ''}", f"{format_memory(job.memory_mb)} of memory"]
    if job.gpus:
        parts.append(f"{job.gpus} GPU{'s' if job.gpus != 1 else ''}")
    limit = f"at most {format_duration(job.time_limit)}" if job.time_limit else "no time limit"
    return ", ".join([*parts, limit])


def _owner(job: JobRow) -> str:
    return f"account {job.account}, partition {job.partition}, priority {job.priority}"


def _node(job: JobRow) -> str:
    """The node, with its host when that is not the one the reader sits at."""
    if job.remote_host is None:
        return job.node_name or "—"
    return f"{job.node_name or '—'} (host {job.remote_host}: its log and processes can be looked at only there)"


def _section(title: str, lines: list[Text], nothing: str, styles: Styles) -> list[Text]:
    heading = Text(f" {title}", style="bold")
    return [Text(""), heading, *(lines or [Text(f"   {nothing}", style=styles.get("dim", ""))])]


def _allocations(rows: Iterable[AllocationRow], styles: Styles) -> list[Text]:
    return [_allocation(row, styles) for row in rows]


def _allocation(row: AllocationRow, styles: Styles) -> Text:
    pid = f"pid {row.process_id}" if row.process_id else "never started"
    granted = f"{row.allocated_cpus} CPU, {format_memory(row.allocated_memory_mb)}"
    text = Text(f"   {row.id:>6}  {when(row.allocation_time)}  {plain(row.node_name)}  {pid}  {granted}  ")
    if row.released:
        return text.append(f"released {when(row.released_time)}", style=styles.get("dim", ""))
    return text.append("● held", style=styles.get("running", ""))


def _history(events: Iterable[EventRow], styles: Styles) -> list[Text]:
    """The newest first: at 3 a.m. the last thing that happened matters most."""
    return [_event(row, styles) for row in sorted(events, key=lambda row: row.id, reverse=True)]


def _event(row: EventRow, styles: Styles) -> Text:
    text = Text(f"   {when(row.at)}  ", style=styles.get("dim", ""))
    text.append(f"{plain(row.action):<12} ", style="not dim")
    if row.to_state and row.to_state != row.from_state:
        look = STATE_LOOKS[row.to_state]
        text.append(f"→ {look!s:<12}", style=styles.get(look.role, ""))
    else:
        text.append(" " * 14)
    return text.append(f" {plain(row.actor)}  {plain(row.reason or '')}", style="")


def _script(script: str, styles: Styles) -> list[Text]:
    lines = script.splitlines()
    shown = [Text(f"   {plain(line.expandtabs(4))}", style=styles.get("dim", "")) for line in lines[:SCRIPT_LINES]]
    if len(lines) > SCRIPT_LINES:
        shown.append(Text(f"   … {len(lines) - SCRIPT_LINES} more lines", style=styles.get("dim", "")))
    return shown

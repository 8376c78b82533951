"""The columns of the job list."""

from datetime import datetime

from backend.domain.states import JobState
from backend.domain.units import format_age, format_duration, format_memory
from backend.readmodel.records import JobRow
from tui.looks import ANOMALY_GLYPH, job_look, outcome
from tui.widgets.table.columns import Cell, Column, Moment


def elapsed_seconds(job: JobRow, now: datetime) -> float | None:
    """Return how long a job runs or ran, None when it never started."""
    if job.start_time is None:
        return None
    return max(0.0, ((job.end_time or now) - job.start_time).total_seconds())


def _state(job: JobRow, _: Moment) -> Cell:
    look = job_look(job)
    return Cell(str(look), look.role)


def _note(job: JobRow, moment: Moment) -> Cell:
    """What needs attention first: the anomaly, else how it ended."""
    kind = moment.flags.get(job.id)
    if kind:
        return Cell(f"{ANOMALY_GLYPH} {kind}", "anomaly")
    role = "failed" if job.state is JobState.FAILED else "dim"
    return Cell("" if job.state is JobState.COMPLETED else outcome(job), role)


def _elapsed(job: JobRow, moment: Moment) -> Cell:
    seconds = elapsed_seconds(job, moment.now)
    over = seconds is not None and job.time_limit is not None and not job.state.final and seconds > job.time_limit
    return Cell("" if seconds is None else format_duration(seconds), "failed" if over else "")


def _age(job: JobRow, moment: Moment) -> Cell:
    return Cell(format_age((moment.now - job.submit_time).total_seconds()), "dim")


def _limit(job: JobRow, _: Moment) -> Cell:
    return Cell(format_duration(job.time_limit) if job.time_limit else "—", "dim")


def _number(value: int | None) -> Cell:
    return Cell("" if not value else str(value))


JOB_COLUMNS: tuple[Column[JobRow], ...] = (
    Column("id", "ID", 8, 0, lambda job, _: Cell(str(job.id)), right=True),
    Column("state", "STATE", 11, 0, _state),
    Column("note", "NOTE", 13, 0, _note),
    Column("name", "NAME", 14, 0, lambda job, _: Cell(job.name), flexible=True, widest=48),
    Column("account", "ACCOUNT", 10, 4, lambda job, _: Cell(job.account)),
    Column("partition", "PARTITION", 10, 7, lambda job, _: Cell(job.partition, "dim")),
    Column("node", "NODE", 10, 3, lambda job, _: Cell(job.node_name or "")),
    Column("priority", "PRIO", 5, 8, lambda job, _: Cell(str(job.priority), "" if job.priority else "dim"), right=True),
    Column("pid", "PID", 8, 6, lambda job, _: _number(job.process_id), right=True),
    Column("cpus", "CPU", 4, 5, lambda job, _: Cell(str(job.cpus)), right=True),
    Column("memory", "MEM", 6, 5, lambda job, _: Cell(format_memory(job.memory_mb)), right=True),
    Column("gpus", "GPU", 3, 9, lambda job, _: _number(job.gpus), right=True),
    Column("elapsed", "ELAPSED", 9, 1, _elapsed, right=True),
    Column("limit", "LIMIT", 9, 6, _limit, right=True),
    Column("age", "AGE", 6, 2, _age, right=True),
)
"""In the order shown; which of them are shown depends on the width."""

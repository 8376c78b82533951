"""The columns of the job list."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from jobwarden.backend.domain.states import JobState
from jobwarden.backend.domain.units import format_age, format_duration, format_memory, seconds_run
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.tui.theme.states import ANOMALY_GLYPH, beside, job_look, outcome
from jobwarden.tui.widgets.table.columns import Cell, Column, Moment

CellOf: TypeAlias = Callable[[JobRow, Moment], Cell]


def elapsed_seconds(job: JobRow, now: datetime) -> float | None:
    """Return how long a job runs or ran, None when it never started."""
    return seconds_run(job.start_time, job.end_time, now)


def _state(job: JobRow, moment: Moment) -> Cell:
    """The state as it is recorded; where that is in doubt not in the colour of a job that runs."""
    look = job_look(job)
    if job.id in moment.flags:
        return Cell(f"{ANOMALY_GLYPH} {look.word}", "anomaly")
    return Cell(str(look), look.role)


def _note(job: JobRow, moment: Moment) -> Cell:
    """What needs attention first: the anomaly, else how it ended, or why it waits."""
    kind = moment.flags.get(job.id)
    if kind:
        return Cell(f"{ANOMALY_GLYPH} {kind}", "anomaly")
    if job.state is JobState.PENDING:
        return Cell(beside(job_look(job).word, moment.waiting.get(job.id, "")), "dim")
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


def _priority(job: JobRow, _: Moment) -> Cell:
    return Cell(str(job.priority), "" if job.priority else "dim")


def _memory(job: JobRow, _: Moment) -> Cell:
    return Cell(format_memory(job.memory_mb))


def _started(job: JobRow, moment: Moment) -> Cell:
    return _clock_time(job.start_time, moment.now)


def _ended(job: JobRow, moment: Moment) -> Cell:
    return _clock_time(job.end_time, moment.now)


def _number(value: int | None) -> Cell:
    return Cell("" if not value else str(value))


def _clock_time(moment: datetime | None, now: datetime) -> Cell:
    """The time of day, with the date instead of the seconds once it is another day."""
    if moment is None:
        return Cell("")
    local = moment.astimezone()
    same_day = local.date() == now.astimezone().date()
    return Cell(local.strftime("%H:%M:%S" if same_day else "%d %b %H:%M"), "dim")


def _column(name: str, title: str, width: int, rank: int, cell: CellOf, help_: str, **more: Any) -> Column[JobRow]:
    return Column(name, title, width, rank, cell, help=help_, sortable=True, **more)


JOB_COLUMNS: tuple[Column[JobRow], ...] = (
    _column("id", "ID", 8, 0, lambda job, _: Cell(str(job.id)), "job id", right=True, downward=True),
    _column("state", "STATE", 11, 0, _state, "job state"),
    _column(
        "note", "NOTE", 13, 0, _note, "anomaly, how it ended, or why it waits", flexible=True, reason=True, widest=80
    ),
    _column("name", "NAME", 14, 0, lambda job, _: Cell(job.name), "job name", flexible=True, widest=48),
    _column("account", "ACCOUNT", 10, 4, lambda job, _: Cell(job.account), "account charged"),
    _column("partition", "PARTITION", 10, 7, lambda job, _: Cell(job.partition, "dim"), "group of nodes"),
    _column("node", "NODE", 10, 3, lambda job, _: Cell(job.node_name or ""), "node it runs or ran on"),
    _column("priority", "PRIO", 5, 8, _priority, "priority, higher starts first", right=True, downward=True),
    _column(
        "pid", "PID", 8, 6, lambda job, _: _number(job.process_id), "pid of the supervisor", right=True, downward=True
    ),
    _column("cpus", "CPU", 4, 5, lambda job, _: Cell(str(job.cpus)), "CPUs requested", right=True, downward=True),
    _column("memory", "MEM", 6, 5, _memory, "memory requested", right=True, downward=True),
    _column("gpus", "GPU", 3, 9, lambda job, _: _number(job.gpus), "GPUs requested", right=True, downward=True),
    _column("elapsed", "ELAPSED", 9, 1, _elapsed, "time it runs or ran", right=True, downward=True),
    _column("limit", "LIMIT", 9, 6, _limit, "time limit", right=True, downward=True),
    _column("age", "AGE", 6, 2, _age, "time since it was submitted", right=True),
    _column("started", "STARTED", 12, 10, _started, "when it started", right=True, downward=True, hidden=True),
    _column("ended", "ENDED", 12, 10, _ended, "when it ended", right=True, downward=True, hidden=True),
)
"""In the order shown; which of them are shown depends on the width, until others are chosen."""

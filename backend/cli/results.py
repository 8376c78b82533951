"""How the verbs that act go about it: which jobs, the question, ctrl-C, progress, and a result for each."""

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import click

from jobwarden.backend.actions.catalog import TYPED_ABOVE
from jobwarden.backend.actions.results import ItemResult, Plan, Progress, Step, Victim
from jobwarden.backend.actions.targets import Scope, no_such_job
from jobwarden.backend.cli.completion_values import filters, jobs_or_filters
from jobwarden.backend.cli.output import TextColumn, print_json, print_table, printable
from jobwarden.backend.cli.say import redraw, say
from jobwarden.backend.domain.units import counted
from jobwarden.backend.errors import InputError
from jobwarden.backend.queries.jobs import existing_jobs
from jobwarden.backend.services.session import Session


def confirm(verb: str, count: int) -> bool:
    """Have the number of jobs typed when it is large; whether it was.

    InputError without a terminal, or for another answer.
    """
    if count <= TYPED_ABOVE:
        return False
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(f"this would {verb} {counted(count, 'job')}: check with --dry-run, then add --yes")
    answer = click.prompt(f"This will {verb} {counted(count, 'job')}. Type {count} to confirm", err=True, default="")
    if str(answer).strip() != str(count):
        raise InputError("not confirmed: nothing was done")
    return True


# Ctrl-C during an action: the first one finishes what was begun and reports, the second one ends at once.


class Interrupt:
    """Takes SIGINT while it is entered."""

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> "Interrupt":
        self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def asked(self) -> bool:
        """Whether to stop."""
        return self._asked

    def _take(self, _signal: int, _frame: FrameType | None) -> None:
        self._asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)


# How the verbs that act report: the dry run, the progress, and a result for each job.

_WIDTH = 90

VICTIMS = (
    TextColumn("ID", lambda v: v.job_id, right=True),
    TextColumn("NAME", lambda v: v.name),
    TextColumn("NODE", lambda v: v.node),
    TextColumn("PROCESS", lambda v: v.named),
    TextColumn("WOULD", lambda v: v.what_happens),
    TextColumn("COMMAND", lambda v: v.cmdline),
)


def print_plan(planned: Plan, json_wanted: bool) -> None:
    """Print a dry run."""
    if json_wanted:
        print_json([*map(_victim, planned.eligible), *(_left_alone(*item) for item in planned.ineligible)])
        return
    if planned.eligible:
        print_table(VICTIMS, planned.eligible)
    for line in planned.instead:
        say(line, err=True)
    for job_id, why in planned.ineligible:
        say(f"job {job_id} {printable(why)}")
    say(f"dry run: {len(planned.eligible)} would be changed, {len(planned.ineligible)} not; nothing was done")


def _victim(victim: Victim) -> dict[str, Any]:
    return {
        "job_id": victim.job_id,
        "would_change": True,
        "message": victim.outcome or victim.what_happens,
        "name": victim.name,
        "node_name": victim.node,
        "process_id": victim.pid,
        "command": victim.cmdline,
        "processes": [{"pid": process.pid, "command": process.cmdline} for process in victim.processes],
    }


def _left_alone(job_id: int, why: str) -> dict[str, Any]:
    return {"job_id": job_id, "would_change": False, "message": why}


def print_results(results: Sequence[ItemResult], json_wanted: bool, none: str) -> None:
    """Print what became of each job, failures on stderr; ``none`` when there was no job at all."""
    if sys.stderr.isatty():
        redraw()
    if json_wanted:
        print_json(results)
    elif not results:
        say(none)
    else:
        for result in results:
            say(result_line(result), err=not result.ok)


def result_line(result: ItemResult) -> str:
    """``job 12: CANCELLED``, or ``job 12 is already CANCELLED: nothing to do``."""
    separator = ":" if result.changed else ""
    return f"job {result.job_id}{separator} {printable(result.message)}"


def progress() -> Progress | None:
    """On a terminal, how far it is and the last word of what is going on, on one line that is overwritten."""
    return _show if sys.stderr.isatty() else None


def _show(step: Step) -> None:
    redraw(f"{step.done}/{step.total}  {printable(step.words[:_WIDTH])[:_WIDTH]}", end="\r")


# Which jobs a verb is for: its arguments, and whether there are such jobs.


def parameters(metavar: str) -> list[click.Parameter]:
    """The arguments of a verb that acts on jobs."""
    return [
        click.Argument(["words"], metavar=metavar, nargs=-1, shell_complete=jobs_or_filters),
        click.Option(
            ["--filter", "filter_text"],
            metavar="FILTER",
            help="Every job that matches (of those given).",
            shell_complete=filters,
        ),
    ]


def all_must_exist(session: Session, scope: Scope) -> None:
    """InputError for the first id that names no job, Refused when that is one the database forgot."""
    with session.reading() as conn:
        known = existing_jobs(conn, scope.ids)
        for job_id in scope.ids:
            if job_id not in known:
                raise no_such_job(conn, session.settings, job_id)

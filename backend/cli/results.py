"""How the verbs that act report: the dry run, the progress, and a result for each job."""

import sys
from collections.abc import Sequence
from typing import Any

from backend.actions.perform import ItemResult, Plan, Progress, Step, Victim
from backend.cli.output import Column, print_json, print_table, printable
from backend.cli.say import redraw, say

_WIDTH = 90

VICTIMS = (
    Column("ID", lambda v: v.job_id, right=True),
    Column("NAME", lambda v: v.name),
    Column("NODE", lambda v: v.node),
    Column("PROCESS", lambda v: v.named),
    Column("WOULD", lambda v: v.what_happens),
    Column("COMMAND", lambda v: v.cmdline),
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

"""``jobwarden jobs``: the listing."""

import sys
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from backend.cli.candidates import filters
from backend.cli.output import NUMBER, Column, print_json, print_table
from backend.cli.say import say
from backend.cli.session import Session, open_session
from backend.domain.endings import with_message
from backend.domain.units import format_age, format_duration, format_memory, seconds_run
from backend.readmodel.export import stream_by_urgency, stream_jobs
from backend.readmodel.jobs import Query, compile_filter
from backend.readmodel.nodes import read_nodes
from backend.readmodel.waiting import Asked, Reasons
from backend.readmodel.workers import read_workers

SHOWN = 100
"""Jobs a terminal gets when no limit is asked for."""


def state_text(job: dict[str, Any]) -> str:
    """The state as shown: a RUNNING job without a start is *starting*, a held one *held*."""
    if job["state"] == "RUNNING" and job["start_time"] is None:
        return "STARTING"
    return "HELD" if job["state"] == "PENDING" and job["held"] else str(job["state"])


def exit_text(job: dict[str, Any]) -> str:
    """``code:signal`` as sacct prints it."""
    code, signal = job["exit_code"], job["exit_signal"]
    return "" if code is None and signal is None else f"{code or 0}:{signal or 0}"


def failure_text(job: dict[str, Any]) -> str:
    """Why a job FAILED: the word for which ``reason:`` looks, and what is known of it."""
    return with_message(job["failure_reason"] or job["state"], job["error_msg"]) if job["state"] == "FAILED" else ""


def _note(job: dict[str, Any], reasons: Reasons) -> str:
    """Why it does not run: what it waits for, or how it failed. Of a held one the state says it."""
    if job["state"] != "PENDING":
        return failure_text(job)
    return "" if job["held"] else reasons.of(Asked(*(job[field] for field in Asked._fields)))


def age_text(job: dict[str, Any]) -> str:
    """How long ago it was submitted."""
    return format_age((datetime.now(UTC) - job["submit_time"]).total_seconds())


def elapsed_text(job: dict[str, Any]) -> str:
    """How long it runs or ran."""
    seconds = seconds_run(job["start_time"], job["end_time"], datetime.now(UTC))
    return "" if seconds is None else format_duration(seconds)


def columns(reasons: Reasons) -> tuple[Column, ...]:
    """The columns of the table; ``reasons`` say why jobs wait."""
    return (
        Column("ID", lambda job: job["id"], right=True),
        Column("STATE", state_text),
        Column("EXIT", exit_text, spare=True),
        Column("AGE", age_text, right=True),
        Column("ELAPSED", elapsed_text, right=True),
        Column("NODE", lambda job: job["node_name"], widest=16),
        Column("CPUS", lambda job: job["cpus"], right=True, spare=True),
        Column("MEMORY", lambda job: format_memory(job["memory_mb"]), right=True, spare=True),
        Column("ACCOUNT", lambda job: job["account"], spare=True),
        Column("PARTITION", lambda job: job["partition"], spare=True),
        Column("NAME", lambda job: job["name"], widest=24),
        Column("NOTE", lambda job: _note(job, reasons)),
    )


@click.command()
@click.argument("filter_words", metavar="[FILTER]", nargs=-1, shell_complete=filters)
@click.option("--limit", type=NUMBER, help="First N; 0: all. Default: 100 on a terminal, else all.")
@click.option("--newest", is_flag=True, help="Newest first, whatever their state.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array with every column, newest first.")
def jobs(filter_words: tuple[str, ...], limit: int | None, newest: bool, as_json: bool) -> None:
    """List jobs: running ones, pending ones in the order of the queue, then ended ones, the last to end first.

    AGE is the time since a job was submitted, NOTE why it waits or how it failed. On a narrow terminal NOTE has the
    room of PARTITION, ACCOUNT, MEMORY, CPUS and EXIT, in this order; a pipe gets every column.

    FILTER: words that must all hold, like state:failed node:gpu* name:train account:bob reason:timeout age>1h exit!=0
    text !text. Fields: state reason name account partition node id age elapsed ended limit exit signal cpus memory
    gpus priority. Quote the filter from the shell. state:pending finds held jobs too and state:running those that are
    starting; state:held and state:starting find these alone.

    Example: jobwarden jobs 'state:failed,cancelled age<1d'
    """
    query = compile_filter(" ".join(filter_words))
    with open_session() as session:
        _print(session, query, limit, newest or as_json, as_json)


def _print(session: Session, query: Query, limit: int | None, newest: bool, as_json: bool) -> None:
    default = SHOWN if sys.stdout.isatty() and not as_json else 0
    count = (default if limit is None else limit) or None
    stream = stream_jobs if newest else stream_by_urgency
    with session.reading() as conn:
        if as_json:
            print_json(stream(conn, query, count))
            return
        # Before the jobs: without the workers every job would wait for one that is alive.
        reasons = Reasons(read_nodes(conn, read_workers(conn)))
        found = stream(conn, query, count and count + 1)
        shown = print_table(columns(reasons), islice(found, count))
        more = count is not None and next(found, None) is not None
    if not shown:
        say("no job matches" if query.filter else "no jobs yet: `jobwarden submit SCRIPT` makes one", err=True)
    if more:
        say(f"the {'newest' if newest else 'first'} {count} are shown: --limit 0 shows all", err=True)

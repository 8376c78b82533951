"""``jobwarden jobs``: the listing."""

import sys
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from backend.cli.candidates import filters
from backend.cli.output import Column, print_json, print_table
from backend.cli.say import say
from backend.cli.session import Session, open_session
from backend.domain.units import format_age, format_memory
from backend.errors import InputError
from backend.readmodel.export import stream_jobs
from backend.readmodel.jobs import Query, compile_filter

SHOWN = 100
"""Jobs a terminal gets when no limit is asked for."""


def state_text(job: dict[str, Any]) -> str:
    """The state as shown: a RUNNING job without a start is *starting*, a held one *held*."""
    if job["state"] == "RUNNING" and job["start_time"] is None:
        return "STARTING"
    return "HELD" if job["state"] == "PENDING" and job["held"] else str(job["state"])


def exit_text(job: dict[str, Any]) -> str:
    """``code:signal`` as sacct prints it, with the reason when it FAILED."""
    code, signal = job["exit_code"], job["exit_signal"]
    shown = "" if code is None and signal is None else f"{code or 0}:{signal or 0}"
    return " ".join(filter(None, (shown, job["failure_reason"])))


def elapsed_text(job: dict[str, Any]) -> str:
    """How long it runs or ran."""
    if job["start_time"] is None:
        return ""
    return format_age(((job["end_time"] or datetime.now(UTC)) - job["start_time"]).total_seconds())


COLUMNS = (
    Column("ID", lambda job: job["id"], right=True),
    Column("STATE", state_text),
    Column("EXIT", exit_text),
    Column("ELAPSED", elapsed_text, right=True),
    Column("NODE", lambda job: job["node_name"]),
    Column("CPUS", lambda job: job["cpus"], right=True),
    Column("MEMORY", lambda job: format_memory(job["memory_mb"]), right=True),
    Column("ACCOUNT", lambda job: job["account"]),
    Column("PARTITION", lambda job: job["partition"]),
    Column("NAME", lambda job: job["name"]),
)


@click.command()
@click.argument("filter_words", metavar="[FILTER]", nargs=-1, shell_complete=filters)
@click.option("--limit", type=click.IntRange(min=0), help="Newest N; 0: all. Default: 100 on a terminal, else all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array with every column.")
def jobs(filter_words: tuple[str, ...], limit: int | None, as_json: bool) -> None:
    """List jobs, finished ones too, newest first.

    FILTER: words that must all hold, like state:failed node:gpu* name:train account:bob reason:timeout age>1h exit!=0
    text !text. Fields: state reason name account partition node id age elapsed ended limit exit signal cpus memory
    gpus priority. Quote the filter from the shell. state:pending finds held jobs too and state:running those that are
    starting; state:held and state:starting find these alone.

    Example: jobwarden jobs 'state:failed,cancelled age<1d'
    """
    query = compile_filter(" ".join(filter_words))
    with open_session() as session:
        _print(session, query, limit, as_json)


def _print(session: Session, query: Query, limit: int | None, as_json: bool) -> None:
    default = SHOWN if sys.stdout.isatty() and not as_json else 0
    count = (default if limit is None else limit) or None
    with session.reading() as conn:
        found = stream_jobs(conn, query, count and count + 1)
        if as_json:
            print_json(islice(found, count))
            return
        shown = print_table(COLUMNS, islice(found, count))
        more = count is not None and next(found, None) is not None
    if not shown:
        say("no job matches" if query.filter else "no jobs yet: `jobwarden submit SCRIPT` makes one", err=True)
    if more:
        say(f"the newest {count} are shown: --limit 0 shows all", err=True)


def no_such_job(job_id: int, archive: str | None = None) -> InputError:
    """The error for an id that names nothing; ``archive`` says where the job went, if it was archived."""
    went = f": it was archived to {archive}" if archive else ""
    return InputError(f"there is no job {job_id}{went}")

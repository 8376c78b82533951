"""``jobwarden jobs`` and ``show``."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from jobwarden.backend.actions.targets import no_such_job, parse_id
from jobwarden.backend.cli import completion_values
from jobwarden.backend.cli.completion_values import filters
from jobwarden.backend.cli.output import NUMBER, TextColumn, as_json, local, print_json, print_pairs, print_table
from jobwarden.backend.cli.say import say
from jobwarden.backend.domain.states import with_message
from jobwarden.backend.domain.units import counted, format_age, format_duration, format_memory, seconds_run
from jobwarden.backend.process.spool import log_path
from jobwarden.backend.queries.export import read_job, stream_by_urgency, stream_jobs
from jobwarden.backend.queries.job_detail import Reasons, RequestedResources, read_detail
from jobwarden.backend.queries.jobs import compile_filter
from jobwarden.backend.queries.models.job_window import Query
from jobwarden.backend.queries.models.jobs import AllocationRow, EventRow, JobDetail
from jobwarden.backend.queries.workers import read_nodes, read_workers
from jobwarden.backend.services.session import Session, open_session

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
    return "" if job["held"] else reasons.of(RequestedResources(*(job[field] for field in RequestedResources._fields)))


def age_text(job: dict[str, Any]) -> str:
    """How long ago it was submitted."""
    return format_age((datetime.now(UTC) - job["submit_time"]).total_seconds())


def elapsed_text(job: dict[str, Any]) -> str:
    """How long it runs or ran."""
    seconds = seconds_run(job["start_time"], job["end_time"], datetime.now(UTC))
    return "" if seconds is None else format_duration(seconds)


def columns(reasons: Reasons) -> tuple[TextColumn, ...]:
    """The columns of the table; ``reasons`` say why jobs wait."""
    return (
        TextColumn("ID", lambda job: job["id"], right=True),
        TextColumn("STATE", state_text),
        TextColumn("EXIT", exit_text, spare=True),
        TextColumn("AGE", age_text, right=True),
        TextColumn("ELAPSED", elapsed_text, right=True),
        TextColumn("NODE", lambda job: job["node_name"], widest=16),
        TextColumn("CPUS", lambda job: job["cpus"], right=True, spare=True),
        TextColumn("MEMORY", lambda job: format_memory(job["memory_mb"]), right=True, spare=True),
        TextColumn("ACCOUNT", lambda job: job["account"], spare=True),
        TextColumn("PARTITION", lambda job: job["partition"], spare=True),
        TextColumn("NAME", lambda job: job["name"], widest=24),
        TextColumn("NOTE", lambda job: _note(job, reasons)),
    )


@click.command()
@click.argument("filter_words", metavar="[FILTER]", nargs=-1, shell_complete=filters)
@click.option("--limit", type=NUMBER, help="At most N jobs; 0: all. Default: 100 on a terminal, else all.")
@click.option("--newest", is_flag=True, help="Newest first, regardless of state.")
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


# ``jobwarden show``: everything known of one job.

ALLOCATIONS = (
    TextColumn("ALLOCATION", lambda a: a.id, right=True),
    TextColumn("NODE", lambda a: a.node_name),
    TextColumn("WORKER", lambda a: a.worker_id, right=True),
    TextColumn("PID", lambda a: a.process_id, right=True),
    TextColumn("GRANTED", lambda a: local(a.allocation_time)),
    TextColumn("RELEASED", lambda a: local(a.released_time) or ("yes" if a.released else "no")),
)
EVENTS = (
    TextColumn("AT", lambda e: local(e.at)),
    TextColumn("ACTION", lambda e: e.action),
    TextColumn("STATE", lambda e: state_change(e.from_state, e.to_state)),
    TextColumn("ACTOR", lambda e: e.actor),
    TextColumn("REASON", lambda e: e.reason),
)


def state_change(before: str | None, after: str | None) -> str:
    """``RUNNING > FAILED``, or just the state when it stayed."""
    return f"{before} > {after}" if before and before != after else after or ""


@click.command()
@click.argument("job_id", metavar="ID", shell_complete=completion_values.jobs)
@click.option("--json", "json_wanted", is_flag=True, help="One JSON object: the job's columns, allocations and events.")
def show(job_id: str, json_wanted: bool) -> None:
    """Show a job: the resources it requested, why it waits or how it ended, its allocations and its events.

    Example: jobwarden show 12
    """
    with open_session() as session:
        columns, detail = _read(session, parse_id(job_id))
    if json_wanted:
        say(as_json({**columns, **_extra(detail)}))
        return
    print_pairs(_pairs(columns, detail))
    _section("allocations", ALLOCATIONS, detail.allocations)
    _section("events", EVENTS, detail.events)


def _read(session: Session, job_id: int) -> tuple[dict[str, Any], JobDetail]:
    with session.reading() as conn:
        columns = read_job(conn, job_id)
        workers = read_workers(conn)
        detail = read_detail(conn, job_id, workers)
        if columns is None or detail is None:
            raise no_such_job(conn, session.settings, job_id)
    return columns, detail


def _extra(detail: JobDetail) -> dict[str, Any]:
    return {
        "pending_reason": detail.pending_reason,
        "allocations": detail.allocations,
        "events": detail.events,
    }


def _pairs(job: dict[str, Any], detail: JobDetail) -> Iterator[tuple[str, object]]:
    yield "job", f"{job['id']}  {job['name']}"
    yield "state", state_text(job)
    yield "reason", None if job["held"] else detail.pending_reason
    yield "exit", " ".join(filter(None, (exit_text(job), job["failure_reason"]))) or None
    yield "message", job["error_msg"]
    yield "account", job["account"]
    yield "partition", job["partition"]
    yield "priority", job["priority"]
    cpus, gpus = (counted(job[kind], kind[:3].upper()) for kind in ("cpus", "gpus"))
    yield "requested", f"{cpus}, {format_memory(job['memory_mb'])}, {gpus}"
    yield "time limit", format_duration(job["time_limit"])
    yield "submitted", local(job["submit_time"])
    yield "started", local(job["start_time"])
    yield "ended", local(job["end_time"])
    yield "elapsed", elapsed_text(job) or None
    yield "node", job["node_name"]
    yield "work dir", job["work_dir"]
    yield "arguments", " ".join(map(repr, job["arguments"])) or None
    yield "environment", " ".join(f"{name}={value!r}" for name, value in job["environment"].items()) or None
    yield "log", _log(detail.allocations)
    yield "resubmit of", job["resubmit_of"]


def _log(allocations: tuple[AllocationRow, ...]) -> str | None:
    folders = [allocation.spool_dir for allocation in allocations if allocation.spool_dir]
    return str(log_path(folders[-1])) if folders else None


def _section(
    title: str, columns: tuple[TextColumn, ...], rows: tuple[AllocationRow, ...] | tuple[EventRow, ...]
) -> None:
    if rows:
        say(f"\n{title}")
        print_table(columns, rows)

"""``jobwarden show``: everything known of one job."""

from collections.abc import Iterator
from typing import Any

import click

from backend.actions.naming import parse_id
from backend.anomalies.missing import no_such_job
from backend.cli import candidates
from backend.cli.jobs import elapsed_text, exit_text, state_text
from backend.cli.output import Column, as_json, local, print_pairs, print_table
from backend.cli.say import say
from backend.cli.session import Session, open_session
from backend.domain.units import format_duration, format_memory
from backend.process.spool import log_path
from backend.readmodel.detail import read_detail
from backend.readmodel.export import read_job
from backend.readmodel.records import AllocationRow, EventRow, JobDetail
from backend.readmodel.workers import read_workers

ALLOCATIONS = (
    Column("ALLOCATION", lambda a: a.id, right=True),
    Column("NODE", lambda a: a.node_name),
    Column("WORKER", lambda a: a.worker_id, right=True),
    Column("PID", lambda a: a.process_id, right=True),
    Column("GRANTED", lambda a: local(a.allocation_time)),
    Column("RELEASED", lambda a: local(a.released_time) or ("yes" if a.released else "no")),
)
EVENTS = (
    Column("AT", lambda e: local(e.at)),
    Column("ACTION", lambda e: e.action),
    Column("STATE", lambda e: state_change(e.from_state, e.to_state)),
    Column("ACTOR", lambda e: e.actor),
    Column("REASON", lambda e: e.reason),
)


def state_change(before: str | None, after: str | None) -> str:
    """``RUNNING > FAILED``, or just the state when it stayed."""
    return f"{before} > {after}" if before and before != after else after or ""


@click.command()
@click.argument("job_id", metavar="ID", shell_complete=candidates.jobs)
@click.option("--json", "json_wanted", is_flag=True, help="One JSON object: the job's columns, allocations and events.")
def show(job_id: str, json_wanted: bool) -> None:
    """Show a job: what it asked for, why it waits or how it ended, its allocations and its history.

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
    yield "waits", detail.pending_reason
    yield "exit", " ".join(filter(None, (exit_text(job), job["failure_reason"]))) or None
    yield "message", job["error_msg"]
    yield "account", job["account"]
    yield "partition", job["partition"]
    yield "priority", job["priority"]
    cpus, gpus = (f"{job[kind]} {kind[:3].upper()}{'s' if job[kind] != 1 else ''}" for kind in ("cpus", "gpus"))
    yield "asks for", f"{cpus}, {format_memory(job['memory_mb'])}, {gpus}"
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


def _section(title: str, columns: tuple[Column, ...], rows: tuple[AllocationRow, ...] | tuple[EventRow, ...]) -> None:
    if rows:
        say(f"\n{title}")
        print_table(columns, rows)

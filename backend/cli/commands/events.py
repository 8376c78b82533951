"""``jobwarden events``: the audit."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import click

from jobwarden.backend.actions.targets import no_such_job, parse_id
from jobwarden.backend.cli.commands.jobs import state_change
from jobwarden.backend.cli.completion_values import filters, jobs
from jobwarden.backend.cli.output import NUMBER, TextColumn, as_json, local, print_json, print_table, printable
from jobwarden.backend.cli.say import say
from jobwarden.backend.cli.waiting import Patience
from jobwarden.backend.domain.units import parse_duration
from jobwarden.backend.queries.events import EventQuery, compile_events
from jobwarden.backend.queries.export import events_after, last_events
from jobwarden.backend.queries.jobs import existing_jobs
from jobwarden.backend.services.session import Session, open_session

NEWEST = 50
"""Events that are printed when nothing says how many."""
OVERLAP = 2000
"""How many ids back a later look still searches for events of transactions that committed late."""

COLUMNS = (
    TextColumn("AT", lambda e: local(e["at"])),
    TextColumn("JOB", lambda e: e["job_id"], right=True),
    TextColumn("ACTION", lambda e: e["action"]),
    TextColumn("STATE", lambda e: state_change(e["from_state"], e["to_state"])),
    TextColumn("ACTOR", lambda e: e["actor"]),
    TextColumn("REASON", lambda e: e["reason"]),
)


@click.command()
@click.argument("filter_words", metavar="[FILTER]", nargs=-1, shell_complete=filters)
@click.option("-f", "--follow", is_flag=True, help="Print new events as they come, until interrupted.")
@click.option("--job", "job", metavar="ID", help="Only events of this job.", shell_complete=jobs)
@click.option("--since", metavar="AGE", help="Only events of the last AGE, like 90s, 10m, 1h30m or 2d.")
@click.option("--limit", type=NUMBER, help=f"The newest N events; 0: all. Default: {NEWEST}, with --since all.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array; with -f one object a line.")
def events(
    filter_words: tuple[str, ...],
    follow: bool,
    job: str | None,
    since: str | None,
    limit: int | None,
    json_wanted: bool,
) -> None:
    """Print who did what, when and why; oldest first.

    FILTER: words that must all hold, like job:12 actor:alice* action:kill,clean state:failed node:gpu* text !text.
    A state is the one that a job came into. Quote the filter from the shell.

    Example: jobwarden events --since 1d 'action:kill,clean actor:alice*'
    """
    job_id = None if job is None else parse_id(job)
    asked = compile_events(" ".join(filter_words), job_id, None if since is None else parse_duration(since))
    if limit is None:
        limit = NEWEST if since is None else 0
    with open_session() as session:
        with session.reading() as conn:
            if job_id is not None and not existing_jobs(conn, [job_id]):
                raise no_such_job(conn, session.settings, job_id)
            rows = last_events(conn, asked, limit or None)
        if follow:
            _follow(session, asked, rows, as_json if json_wanted else _line)
        elif json_wanted:
            print_json(rows)
        else:
            print_table(COLUMNS, rows)


def _follow(session: Session, asked: EventQuery, rows: list[dict[str, Any]], line: Callable[[Any], str]) -> None:
    for row in rows:
        say(line(row))
    for row in _later(session, asked, rows):
        say(line(row))


def _later(session: Session, asked: EventQuery, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    start = rows[0]["id"] - 1 if rows else 0
    seen: deque[int] = deque((row["id"] for row in rows), maxlen=OVERLAP)
    patience = Patience(session, "events", "start it again when it does")
    while True:
        after = max(start, (max(seen) if seen else 0) - OVERLAP)
        for row in patience.look(partial(events_after, asked=asked, after=after, seen=seen)) or ():
            seen.append(row["id"])
            yield row
        time.sleep(session.settings.poll_seconds / 4)


def _line(event: dict[str, Any]) -> str:
    return "  ".join(printable(column.text(event)) for column in COLUMNS)

"""What completion offers where a verb takes a job, a filter, a node or a file.

Somebody waits at a prompt: the database is asked over a bare connection that gives up soon, nothing is started for it,
and whatever goes wrong there is no error but no candidate.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import click
from click.shell_completion import CompletionItem

from jobwarden.backend.harmless import dotted

CONNECT_SECONDS = 2
ANSWER_MS = 1000
MOST_JOBS = 50
"""The newest: a longer list helps nobody."""
LONGEST = 200
"""Characters of what is said beside a candidate."""

ANY = "true"
WAITING = "state = 'PENDING'"
LIVE = "state IN ('PENDING', 'RUNNING')"
RUNNING = "state = 'RUNNING'"
FINAL = "state IN ('COMPLETED', 'FAILED', 'CANCELLED')"
JOBS_OF = {
    "cancel": LIVE, "kill": LIVE, "mark-failed": RUNNING, "release": FINAL, "resubmit": FINAL, "hold": WAITING,
    "unhold": f"{WAITING} AND held", "priority": WAITING,
}  # fmt: skip
"""Verb -> the jobs it is for; every other verb takes any."""
OF_ANOMALIES = ("orphans", "clean")
"""Verbs whose filter may say what is wrong."""


def jobs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of jobs that the verb is for, newest first; state and name are what zsh and fish show beside them."""
    if incomplete and not incomplete.isdigit():
        return []
    condition = JOBS_OF.get(ctx.info_name or "", ANY)
    rows = _ask(
        f"SELECT id::text, state || '  ' || name FROM jobs WHERE {condition} AND id::text LIKE %s"
        " ORDER BY id DESC LIMIT %s",
        (f"{incomplete}%", MOST_JOBS),
    )
    return [CompletionItem(job_id, help=_one_line(what)) for job_id, what in rows]


def nodes(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of nodes."""
    rows = _ask("SELECT name FROM nodes ORDER BY name", ())
    return [CompletionItem(name) for (name,) in rows if name.startswith(incomplete) and name == _one_line(name)]


def filters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Conditions with their known words, like state:running, and node:NAME."""

    from jobwarden.backend.domain.filters.completion import ANOMALIES, EVENTS, JOBS

    if incomplete.startswith("node:"):
        return [CompletionItem(f"node:{item.value}") for item in nodes(ctx, param, incomplete.removeprefix("node:"))]
    grammar = EVENTS if ctx.info_name == "events" else ANOMALIES if ctx.info_name in OF_ANOMALIES else JOBS
    words = (f"{field.name}:{value}" for field in grammar.fields.values() for value in field.values)
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def jobs_or_filters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids, or conditions once a letter was typed."""
    return filters(ctx, param, incomplete) if incomplete[:1].isalpha() else jobs(ctx, param, incomplete)


def files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Whatever the shell itself offers for a path."""
    return [CompletionItem(incomplete, type="file")]


def _one_line(text: str) -> str:
    """The shells take one candidate a line."""
    return dotted(text, LONGEST)


def _ask(statement: str, values: Sequence[object]) -> list[tuple[str, ...]]:
    """The rows; none when the database cannot be had at once."""
    import psycopg2

    from jobwarden.backend.errors import JobwardenError

    with suppress(psycopg2.Error, JobwardenError, OSError):
        return list(_rows(statement, values))
    return []


def _rows(statement: str, values: Sequence[object]) -> Iterator[tuple[str, ...]]:
    import psycopg2

    from jobwarden.backend.config.settings import load_settings
    from jobwarden.backend.embedded import servers

    settings = load_settings()
    [server] = [one for one in servers.status(settings) if one.name == "PostgreSQL"]
    if not server.running:
        return
    options = f"-c default_transaction_read_only=on -c statement_timeout={ANSWER_MS}"
    conn = psycopg2.connect(
        settings.database_url or server.url,
        connect_timeout=CONNECT_SECONDS,
        application_name="jobwarden completion",
        options=options,
    )
    try:
        with conn.cursor() as cursor:
            cursor.execute(statement, values)
            yield from cursor
    finally:
        conn.close()

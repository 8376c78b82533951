"""Which jobs a verb is for: ids as typed, or a filter."""

from collections.abc import Sequence

import click

from backend.actions.scope import Scope
from backend.cli.candidates import filters, jobs_or_filters
from backend.cli.jobs import no_such_job, parse_id
from backend.cli.session import Session
from backend.domain.filters import parse_filter
from backend.errors import InputError
from backend.readmodel.archives import archived_in
from backend.readmodel.export import existing_jobs


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


def parse_scope(words: Sequence[str], filter_text: str | None) -> Scope:
    """What ``words`` and ``--filter`` name. InputError when that is nothing, or might be a slip of the fingers.

    Words are ids, or a filter each word of which names a field: ``jobwarden kill 12 1x`` must not turn into a search.
    """
    if filter_text is not None and not filter_text.strip():
        raise InputError("the filter is empty, which would stand for every job: name at least one condition")
    if not any(_names_a_field(word) for word in words):
        ids = tuple(dict.fromkeys(parse_id(word) for word in words))
        if not ids and filter_text is None:
            raise InputError("no job is named: give ids, or a filter like state:running")
        return Scope(ids, filter_text)
    if filter_text is not None:
        raise InputError("two filters: put all conditions into one")
    typed = " ".join(words)
    for term in parse_filter(typed).terms:
        if term.field is None:
            raise InputError(f"{term.values[0].text!r} is no id and names no field: use --filter to search for a word")
    return Scope(filter=typed)


def _names_a_field(word: str) -> bool:
    return any(operator in word for operator in ":=<>")


def all_must_exist(session: Session, scope: Scope) -> None:
    """InputError for the first id that names no job."""
    with session.reading() as conn:
        known = existing_jobs(conn, scope.ids)
        for job_id in scope.ids:
            if job_id not in known:
                raise no_such_job(job_id, archived_in(conn, job_id))

"""Which jobs a verb is for: its arguments, and whether there are such jobs."""

import click

from backend.actions.scope import Scope
from backend.anomalies.missing import no_such_job
from backend.cli.candidates import filters, jobs_or_filters
from backend.cli.session import Session
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


def all_must_exist(session: Session, scope: Scope) -> None:
    """InputError for the first id that names no job, Refused when that is one the database forgot."""
    with session.reading() as conn:
        known = existing_jobs(conn, scope.ids)
        for job_id in scope.ids:
            if job_id not in known:
                raise no_such_job(conn, session.settings, job_id)

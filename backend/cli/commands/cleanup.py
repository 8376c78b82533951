"""``jobwarden housekeeping``: the nightly run of cron. Its former name is ``cleanup``."""

import sys
from collections.abc import Iterator

import click

from jobwarden.backend.actions.results import Context, current_actor
from jobwarden.backend.cli.output import Bar, print_json, printable
from jobwarden.backend.cli.say import say
from jobwarden.backend.domain.units import counted, format_bytes
from jobwarden.backend.errors import InputError
from jobwarden.backend.housekeeping.records import CleanupReport, CleanupStep, Limits
from jobwarden.backend.housekeeping.run import clean_up
from jobwarden.backend.services.session import Session, open_session

LONGEST_HOURS = 876_000.0


@click.command()
@click.option("--max-age-hours", metavar="HOURS", help="Minimum age of stale allocations and spool folders.")
@click.option("--retention-days", metavar="DAYS", help="Minimum age of finished jobs to archive. Default: the setting.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, with counts and bytes; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation on a terminal; elsewhere nothing is asked.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array with an object for each step.")
def housekeeping(
    max_age_hours: str | None, retention_days: str | None, dry_run: bool, yes: bool, json_wanted: bool
) -> int:
    """Release stale allocations, remove old spool folders, and archive finished jobs.

    An allocation is released only with proof that no process of its job lives; nothing is ever killed. Finished jobs
    past retention are written, with their allocations and events, to a compressed file in archive_dir, and deleted from
    the database once that file has been read back and checked. Workers that ended as long ago, and that no remaining
    job refers to, are removed too. Made for cron: if another run is at work it says so, does nothing and exits with 0.
    Anomalies are not touched: that is `clean`.

    Example: jobwarden housekeeping --max-age-hours 48 --dry-run
    """
    with open_session() as session:
        settings = session.settings
        limits = Limits(
            _number("--max-age-hours", max_age_hours, settings.spool_retention_hours),
            _number("--retention-days", retention_days, settings.retention_days, LONGEST_HOURS / 24),
        )
        if not (dry_run or yes or json_wanted) and sys.stdin.isatty() and sys.stderr.isatty():
            _confirm(session, limits)
        report = _run(session, limits, dry_run)
    _print(report, json_wanted)
    return 0 if report.ok else 1


def _number(option: str, text: str | None, default: float, most: float = LONGEST_HOURS) -> float:
    """A typed age; InputError when it is none, negative or absurd."""
    if text is None:
        return default
    try:
        value = float(text) if len(text) <= 20 else -1.0
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise InputError(f"{option}: {text[:40]!r} is not an age: write a number from 0 to {most:.0f}")
    return value


def _run(session: Session, limits: Limits, dry_run: bool) -> CleanupReport:
    with Bar() as bar:
        ctx = Context(session.engine, session.settings, current_actor())
        return clean_up(ctx, limits, dry_run=dry_run, progress=bar.show)


def _confirm(session: Session, limits: Limits) -> None:
    """Show what would be done, and ask; click.Abort ends the command when the answer is no."""
    for line in _lines(_run(session, limits, dry_run=True)):
        say(line, err=True)
    if not click.confirm("Continue?", err=True):
        raise InputError("not confirmed: nothing was done")


def _print(report: CleanupReport, json_wanted: bool) -> None:
    if json_wanted:
        print_json(report.steps)
        return
    for line in _lines(report):
        say(line)
    for step in report.steps:
        for line in step.failed:
            say(f"jobwarden: {printable(line)}", err=True)


def _lines(report: CleanupReport) -> Iterator[str]:
    if report.busy:
        yield f"{report.busy} is at work: nothing was done"
    for step in report.steps:
        yield f"{step.step}: {_SAID[step.step](step, 'would be ' if report.dry_run else '')}"
        for line in (*step.done, *step.files):
            yield f"  {printable(line)}"
        for line in step.left:
            yield f"  left alone: {printable(line)}"
    if report.dry_run:
        yield "dry run: nothing was done"


_SAID = {
    CleanupStep.ALLOCATIONS: lambda s, would: f"{counted(s.count, 'stale allocation')} {would}released",
    CleanupStep.SPOOL: lambda s, would: f"{counted(s.count, 'folder')} {would}removed, {format_bytes(s.bytes)}",
    CleanupStep.ARCHIVE: lambda s, would: (
        f"{counted(s.count, 'job')} and {counted(s.events, 'event')} {would}archived,"
        f" {format_bytes(s.bytes)} compressed"
    ),
    CleanupStep.WORKERS: lambda s, would: f"{counted(s.count, 'long ended worker')} {would}removed",
}

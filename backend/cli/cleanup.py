"""``jobwarden cleanup``: what a night's cron job puts in order."""

import sys
from collections.abc import Iterator

import click

from backend.actions.actor import current_actor
from backend.actions.records import Context
from backend.cli.output import print_json, printable
from backend.cli.progress import Bar
from backend.cli.say import say
from backend.cli.session import Session, open_session
from backend.domain.units import format_bytes
from backend.errors import InputError
from backend.housekeeping.records import Limits, Report, Step
from backend.housekeeping.run import clean_up

LONGEST_HOURS = 876_000.0


@click.command()
@click.option("--max-age-hours", metavar="HOURS", help="Age of stale allocations and of spool folders to remove.")
@click.option("--retention-days", metavar="DAYS", help="Age of finished jobs to archive. Default: the setting.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, with counts and bytes, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal. Without a terminal nothing is asked.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array with an object for each step.")
def cleanup(max_age_hours: str | None, retention_days: str | None, dry_run: bool, yes: bool, json_wanted: bool) -> int:
    """Release stale allocations, remove old spool folders, and archive finished jobs.

    An allocation is released only with proof that no process of its job lives; nothing is ever killed. Finished jobs
    past retention go, with allocations and events, to a compressed file in archive_dir, and leave the database when
    that file is read back; workers that ended as long ago, and have none of the jobs that stay, are forgotten. Made for
    cron: with another clean-up at work it says so, does nothing and exits with 0.

    Example: jobwarden cleanup --max-age-hours 48 --dry-run
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


def _run(session: Session, limits: Limits, dry_run: bool) -> Report:
    with Bar() as bar:
        ctx = Context(session.engine, session.settings, current_actor())
        return clean_up(ctx, limits, dry_run=dry_run, progress=bar.show)


def _confirm(session: Session, limits: Limits) -> None:
    """Show what would be done, and ask; click.Abort ends the command when the answer is no."""
    for line in _lines(_run(session, limits, dry_run=True)):
        say(line, err=True)
    if not click.confirm("Go on?", err=True):
        raise InputError("not confirmed: nothing was done")


def _print(report: Report, json_wanted: bool) -> None:
    if json_wanted:
        print_json(report.steps)
        return
    for line in _lines(report):
        say(line)
    for step in report.steps:
        for line in step.failed:
            say(f"jobwarden: {printable(line)}", err=True)


def _lines(report: Report) -> Iterator[str]:
    if report.busy:
        yield f"{report.busy} is at it: nothing was done"
    for step in report.steps:
        yield f"{step.step}: {_SAID[step.step](step, 'would be ' if report.dry_run else '')}"
        for line in (*step.done, *step.files):
            yield f"  {printable(line)}"
        for line in step.left:
            yield f"  left alone: {printable(line)}"
    if report.dry_run:
        yield "dry run: nothing was done"


_SAID = {
    Step.ALLOCATIONS: lambda s, would: f"{s.count} {would}released",
    Step.SPOOL: lambda s, would: f"{s.count} folders {would}removed, {format_bytes(s.bytes)}",
    Step.ARCHIVE: lambda s, would: (
        f"{s.count} jobs and {s.events} events {would}archived, {format_bytes(s.bytes)} compressed"
    ),
    Step.WORKERS: lambda s, would: f"{s.count} long ended {would}forgotten",
}

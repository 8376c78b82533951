"""The verbs that act on jobs, made from the table of actions."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from backend.actions.actor import current_actor
from backend.actions.perform import Context, ItemResult, Plan, Progress, perform, plan
from backend.actions.table import ACTIONS, Action
from backend.cli.jobs import no_such_job, parse_id
from backend.cli.output import Column, print_table, printable
from backend.cli.session import Session, open_session
from backend.domain.options import parse_int
from backend.errors import InputError
from backend.readmodel.export import existing_jobs

TYPED_ABOVE = 20
"""Above so many jobs a destructive action asks for their number, or for --yes."""

VICTIMS = (
    Column("ID", lambda v: v.job_id, right=True),
    Column("NAME", lambda v: v.name),
    Column("NODE", lambda v: v.node),
    Column("PID", lambda v: v.pid, right=True),
    Column("WOULD", lambda v: v.what_happens),
    Column("COMMAND", lambda v: v.cmdline),
)


def act(
    name: str,
    texts: Sequence[str],
    *,
    reason: str | None = None,
    dry_run: bool = False,
    yes: bool = False,
    force: bool = False,
    to: str | None = None,
) -> int:
    """Run an action on ids as typed; exit code 1 when it could not be done to one of them."""
    ids = list(dict.fromkeys(parse_id(text) for text in texts))
    value = None if to is None else parse_int("priority", to)
    with open_session() as session:
        _all_must_exist(session, ids)
        return act_on(session, name, ids, reason=reason, dry_run=dry_run, yes=yes, force=force, value=value)


def act_on(
    session: Session,
    name: str,
    ids: Sequence[int],
    *,
    reason: str | None,
    dry_run: bool,
    yes: bool,
    force: bool = False,
    value: int | None = None,
) -> int:
    """Plan, confirm when it is much, perform, and print a line for each job."""
    ctx = Context(session.engine, session.settings, current_actor())
    if dry_run:
        print_plan(plan(ctx, name, ids, force))
        return 0
    if ACTIONS[name].destructive and len(ids) > TYPED_ABOVE and not yes:
        confirm(ACTIONS[name], len(plan(ctx, name, ids, force).eligible))
    results = perform(ctx, name, ids, reason, force, _progress(), value=value)
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    for result in results:
        click.echo(result_line(result), err=not result.ok)
    return 0 if all(result.ok for result in results) else 1


def print_plan(planned: Plan) -> None:
    """Print a dry run."""
    if planned.eligible:
        print_table(VICTIMS, planned.eligible)
    for job_id, why in planned.ineligible:
        click.echo(f"job {job_id} {printable(why)}")
    click.echo(f"dry run: {len(planned.eligible)} would be changed, {len(planned.ineligible)} not; nothing was done")


def result_line(result: ItemResult) -> str:
    """``job 12: CANCELLED``, or ``job 12 is already CANCELLED: nothing to do``."""
    separator = ":" if result.changed else ""
    return f"job {result.job_id}{separator} {printable(result.message)}"


def confirm(action: Action, count: int) -> None:
    """Ask for the number of jobs; InputError when there is nobody to ask, click.Abort when the answer is another."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(f"this would {action.name} {count} jobs: look with --dry-run, then add --yes")
    answer = click.prompt(f"This will {action.name} {count} jobs. Type {count} to go on", err=True, default="")
    if str(answer).strip() != str(count):
        raise InputError("not confirmed: nothing was done")


def _all_must_exist(session: Session, ids: Sequence[int]) -> None:
    with session.reading() as conn:
        known = existing_jobs(conn, ids)
    for job_id in ids:
        if job_id not in known:
            raise no_such_job(job_id)


def _progress() -> Progress | None:
    """On a terminal, the last word of what is going on, on one line that is overwritten."""
    if not sys.stderr.isatty():
        return None
    return lambda step: click.echo(
        f"\r\x1b[K{step.done}/{step.total} {printable(step.words)[:90]}\r", err=True, nl=False
    )


def _command(action: Action) -> click.Command:
    def run(ids: tuple[str, ...], **options: Any) -> int:
        return act(action.name, ids, **options)

    params: list[click.Parameter] = [
        click.Argument(["ids"], metavar="ID...", nargs=-1, required=True),
        click.Option(["--reason"], metavar="TEXT", help="Why; kept in the audit."),
        click.Option(["--dry-run"], is_flag=True, help="Say what would be done and to what not, and do nothing."),
        click.Option(["--yes"], is_flag=True, help=f"Do not ask, even for more than {TYPED_ABOVE} jobs."),
    ]
    if action.forcible:
        params.append(click.Option(["--force"], is_flag=True, help="Also against the evidence that a process lives."))
    if action.takes:
        params.append(click.Option([f"--{action.takes}"], metavar="N", required=True, help="The new value."))
    help_ = f"{action.help}\n\nRepeating it changes nothing and says so.\n\nExample: {action.example}"
    return click.Command(action.name, callback=run, params=params, help=help_)


cancel = _command(ACTIONS["cancel"])
kill = _command(ACTIONS["kill"])
mark_failed = _command(ACTIONS["mark-failed"])
release = _command(ACTIONS["release"])
resubmit = _command(ACTIONS["resubmit"])
hold = _command(ACTIONS["hold"])
unhold = _command(ACTIONS["unhold"])
priority = _command(ACTIONS["priority"])

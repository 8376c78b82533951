"""The verbs that act on jobs, made from the table of actions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from jobwarden.backend.actions.catalog import ACTIONS, TYPED_ABOVE, Action
from jobwarden.backend.actions.results import Context, current_actor
from jobwarden.backend.actions.run import perform, plan
from jobwarden.backend.actions.targets import ActionRequest, Scope, parse_scope
from jobwarden.backend.cli.main import INTERRUPTED
from jobwarden.backend.cli.results import (
    Interrupt,
    all_must_exist,
    confirm,
    parameters,
    print_plan,
    print_results,
    progress,
)
from jobwarden.backend.domain.options import parse_int
from jobwarden.backend.errors import InputError, Refused
from jobwarden.backend.services.session import Session, open_session


def act(name: str, words: Sequence[str], filter_text: str | None, to: str | None = None, **how: Any) -> int:
    """Run an action on what was typed; exit code 1 when it could not be done to one of the jobs."""
    scope = parse_scope(words, filter_text)
    if how.pop("local", False):
        return kill_locally(scope, **how)
    value = None if to is None else parse_int("priority", to)
    with open_session() as session:
        all_must_exist(session, scope)
        return act_on(session, name, scope, value=value, **how)


def kill_locally(scope: Scope, *, reason: str | None, dry_run: bool, yes: bool, json_wanted: bool) -> int:
    """Kill jobs of this node without asking the database; whoever owns the home may."""
    from jobwarden.backend.actions.without_database import kill_here
    from jobwarden.backend.config.settings import load_settings
    from jobwarden.backend.embedded.home import explained, is_guest, trusted_home

    if scope.filter is not None:
        raise InputError("--local does not use the database, so it takes no filter: give ids")
    settings = load_settings()
    home = trusted_home(settings)
    if is_guest(home):
        raise Refused(f"{home.path} is another user's: only that user can kill by its spool, use `jobwarden kill`")
    if not (yes or dry_run) and len(scope.ids) > TYPED_ABOVE:
        confirm("kill", len(scope.ids))
    with explained(home):
        results = kill_here(home.path, scope.ids, current_actor(), reason, settings.kill_grace_seconds, dry_run=dry_run)
    print_results(results, json_wanted, "no jobs given: nothing to do")
    return 0 if all(result.ok for result in results) else 1


def act_on(
    session: Session,
    name: str,
    scope: Scope,
    *,
    reason: str | None,
    dry_run: bool,
    yes: bool,
    json_wanted: bool,
    force: bool = False,
    value: int | None = None,
    none: str = "no job matches: nothing to do",
) -> int:
    """Plan, confirm when it is much, perform, and print a line for each job, or ``none`` without any."""
    ctx = Context(session.engine, session.settings, current_actor())
    request = ActionRequest(name, scope, reason, force, value)
    if dry_run:
        print_plan(plan(ctx, request), json_wanted)
        return 0
    if not yes and _may_be_much(ACTIONS[name], scope):
        planned = plan(ctx, request)
        if confirm(name, len(planned.eligible)):
            request = replace(request, scope=scope.pinned(planned.ids))
    with Interrupt() as interrupt:
        results = perform(ctx, request, progress(), interrupt.asked)
    print_results(results, json_wanted, none)
    if interrupt.asked():
        return INTERRUPTED
    return 0 if all(result.ok for result in results) else 1


def _may_be_much(action: Action, scope: Scope) -> bool:
    """A filter may match any number; ids were typed one by one, so that only what destroys is asked about."""
    return scope.filter is not None or (action.destructive and len(scope.ids) > TYPED_ABOVE)


def command(action: Action, metavar: str = "ID...|FILTER") -> click.Command:
    """The verb of an action."""

    def run(words: tuple[str, ...], filter_text: str | None, **options: Any) -> int:
        return act(action.name, words, filter_text, **options)

    help_ = (
        f"{action.help}\n\nRepeating it changes nothing and says so. A filter is evaluated again when the action runs;"
        f" more than {TYPED_ABOVE} jobs must be confirmed.\n\nExample: {action.example}"
    )
    return click.Command(action.name, callback=run, params=[*parameters(metavar), *options_of(action)], help=help_)


def options_of(action: Action) -> list[click.Parameter]:
    """The options of an action's verb."""
    options: list[click.Parameter] = [
        click.Option(["--reason"], metavar="TEXT", help="Reason, kept in the audit."),
        click.Option(["--dry-run"], is_flag=True, help="Show what would and would not be done; change nothing."),
        click.Option(
            ["--yes"], is_flag=True, help=f"Do not ask for confirmation, even for more than {TYPED_ABOVE} jobs."
        ),
        click.Option(["--json", "json_wanted"], is_flag=True, help="One JSON array with an object for each job."),
    ]
    if action.forcible:
        options.append(
            click.Option(["--force"], is_flag=True, help="Even if the evidence says that a process is alive.")
        )
    if action.name == "kill":
        words = "Use the spool of this node instead of the database; recorded when the database is back. Ids only."
        options.append(click.Option(["--local"], is_flag=True, help=words))
    if action.takes:
        options.append(click.Option([f"--{action.takes}"], metavar="N", required=True, help="The new priority."))
    return options


cancel = command(ACTIONS["cancel"])
kill = command(ACTIONS["kill"])
mark_failed = command(ACTIONS["mark-failed"])
release = command(ACTIONS["release"])
resubmit = command(ACTIONS["resubmit"])
hold = command(ACTIONS["hold"])
unhold = command(ACTIONS["unhold"])
priority = command(ACTIONS["priority"])

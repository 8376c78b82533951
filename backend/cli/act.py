"""The verbs that act on jobs, made from the table of actions."""

from collections.abc import Sequence
from typing import Any

import click

from backend.actions.actor import current_actor
from backend.actions.naming import parse_scope
from backend.actions.perform import Context, perform, plan
from backend.actions.scope import Scope
from backend.actions.table import ACTIONS, Action
from backend.cli.asking import TYPED_ABOVE, confirm
from backend.cli.interrupt import Interrupt
from backend.cli.results import print_plan, print_results, progress
from backend.cli.root import INTERRUPTED
from backend.cli.session import Session, open_session
from backend.cli.targets import all_must_exist, parameters
from backend.domain.options import parse_int
from backend.errors import InputError, Refused


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
    from backend.actions.without_database import kill_here
    from backend.embedded.home import explained, is_guest, trusted_home
    from backend.settings import load_settings

    if scope.filter is not None:
        raise InputError("--local asks no database, and so knows no filter: give ids")
    settings = load_settings()
    home = trusted_home(settings)
    if is_guest(home):
        raise Refused(f"{home.path} is another user's: only he can kill by its spool, use `jobwarden kill`")
    if not (yes or dry_run) and len(scope.ids) > TYPED_ABOVE:
        confirm("kill", len(scope.ids))
    with explained(home):
        results = kill_here(home.path, scope.ids, current_actor(), reason, settings.kill_grace_seconds, dry_run=dry_run)
    print_results(results, json_wanted, "no job is named: nothing to do")
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
    if dry_run:
        print_plan(plan(ctx, name, scope, force), json_wanted)
        return 0
    if not yes and _may_be_much(ACTIONS[name], scope):
        planned = plan(ctx, name, scope, force)
        if confirm(name, len(planned.eligible)):
            scope = scope.pinned(planned.ids)
    with Interrupt() as interrupt:
        results = perform(ctx, name, scope, reason, force, progress(), cancelled=interrupt.asked, value=value)
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
        click.Option(["--reason"], metavar="TEXT", help="Why; kept in the audit."),
        click.Option(["--dry-run"], is_flag=True, help="Say what would be done and to what not, and do nothing."),
        click.Option(["--yes"], is_flag=True, help=f"Do not ask, even for more than {TYPED_ABOVE} jobs."),
        click.Option(["--json", "json_wanted"], is_flag=True, help="One JSON array with an object for each job."),
    ]
    if action.forcible:
        options.append(click.Option(["--force"], is_flag=True, help="Also against the evidence that a process lives."))
    if action.name == "kill":
        words = "By what the spool of this node says, without the database; recorded when that is back. Ids only."
        options.append(click.Option(["--local"], is_flag=True, help=words))
    if action.takes:
        options.append(click.Option([f"--{action.takes}"], metavar="N", required=True, help="The new value."))
    return options


cancel = command(ACTIONS["cancel"])
kill = command(ACTIONS["kill"])
mark_failed = command(ACTIONS["mark-failed"])
release = command(ACTIONS["release"])
resubmit = command(ACTIONS["resubmit"])
hold = command(ACTIONS["hold"])
unhold = command(ACTIONS["unhold"])
priority = command(ACTIONS["priority"])

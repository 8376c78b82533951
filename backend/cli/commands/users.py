"""``jobwarden users``: which Unix user the jobs of a login run as, and who may log in to a shared home."""

import click

from jobwarden.backend.cli.output import TextColumn, print_json, print_table
from jobwarden.backend.cli.say import say
from jobwarden.backend.services.session import open_session

COLUMNS = (TextColumn("LOGIN", lambda m: m.login), TextColumn("UNIX USER", lambda m: m.unix_user))


@click.group(invoke_without_command=True)
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
@click.pass_context
def users(ctx: click.Context, json_wanted: bool) -> None:
    """List, or change, whose jobs run as another Unix user than the one of the same name as the login.

    A worker that is root runs each job as the Unix user of the login that submitted it.

    Example: jobwarden users map ci-bot builder
    """
    if ctx.invoked_subcommand is not None:
        return
    from jobwarden.backend.actions.permissions import mappings

    with open_session() as session, session.reading() as conn:
        rows = mappings(conn)
    if json_wanted:
        print_json(rows)
    elif rows:
        print_table(COLUMNS, rows)
    else:
        say("no exceptions: the jobs of each login run as the Unix user of the same name")


@users.command("map")
@click.argument("login")
@click.argument("unix_user")
@click.option("--reason", metavar="TEXT", help="Reason, kept in the audit.")
def map_(login: str, unix_user: str, reason: str | None) -> None:
    """Let the jobs of LOGIN run as UNIX_USER on every node.

    Example: jobwarden users map ci-bot builder
    """
    from jobwarden.backend.actions.permissions import map_login
    from jobwarden.backend.actions.results import current_actor

    with open_session() as session:
        changed = map_login(session.engine, login, unix_user, current_actor(), reason)
    now = "run" if changed else "already run: nothing to do, they run"
    say(f"jobs of {login} {now} as {unix_user}")


@users.command()
@click.argument("login")
@click.option("--reason", metavar="TEXT", help="Reason, kept in the audit.")
def unmap(login: str, reason: str | None) -> None:
    """Let the jobs of LOGIN run as the Unix user of the same name again.

    Example: jobwarden users unmap ci-bot
    """
    from jobwarden.backend.actions.permissions import unmap_login
    from jobwarden.backend.actions.results import current_actor

    with open_session() as session:
        changed = unmap_login(session.engine, login, current_actor(), reason)
    say(f"jobs of {login} run as {login}{'' if changed else ' already: nothing to do'}")


@users.command()
@click.argument("name")
def add(name: str) -> None:
    """Give the local user NAME a login to this shared home, with the role of a submitter; as its owner.

    `jobwarden up --shared` does so for all accounts in the passwd file.

    Example: jobwarden users add alice
    """
    from jobwarden.backend.config.settings import load_settings
    from jobwarden.backend.services.lifecycle import add_login

    say(add_login(load_settings(), name))

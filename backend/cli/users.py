"""``jobwarden users``: which Unix user the jobs of a login run as, and who may log in to a shared home."""

import click

from backend.cli.output import Column, print_json, print_table, printable
from backend.cli.session import open_session

COLUMNS = (Column("LOGIN", lambda m: m.login), Column("UNIX USER", lambda m: m.unix_user))


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
    from backend.actions.users import mappings

    with open_session() as session, session.reading() as conn:
        rows = mappings(conn)
    if json_wanted:
        print_json(rows)
    elif rows:
        print_table(COLUMNS, rows)
    else:
        click.echo("no exceptions: the jobs of each login run as the Unix user of the same name")


@users.command("map")
@click.argument("login")
@click.argument("unix_user")
@click.option("--reason", metavar="TEXT", help="Why, for the audit.")
def map_(login: str, unix_user: str, reason: str | None) -> None:
    """Let the jobs of LOGIN run as UNIX_USER on every node.

    Example: jobwarden users map ci-bot builder
    """
    from backend.actions.actor import current_actor
    from backend.actions.users import map_login

    with open_session() as session:
        changed = map_login(session.engine, login, unix_user, current_actor(), reason)
    now = "run" if changed else "already run: nothing to do, they run"
    click.echo(printable(f"jobs of {login} {now} as {unix_user}"))


@users.command()
@click.argument("login")
@click.option("--reason", metavar="TEXT", help="Why, for the audit.")
def unmap(login: str, reason: str | None) -> None:
    """Let the jobs of LOGIN run as the Unix user of the same name again.

    Example: jobwarden users unmap ci-bot
    """
    from backend.actions.actor import current_actor
    from backend.actions.users import unmap_login

    with open_session() as session:
        changed = unmap_login(session.engine, login, current_actor(), reason)
    click.echo(printable(f"jobs of {login} run as {login}{'' if changed else ' already: nothing to do'}"))


@users.command()
@click.argument("name")
def add(name: str) -> None:
    """Give the local user NAME a login to this shared home, with the role of a submitter; as its owner.

    `jobwarden up --shared` does so for all accounts in the passwd file.

    Example: jobwarden users add alice
    """
    from backend.cli.sharing import add_login
    from backend.settings import load_settings

    click.echo(printable(add_login(load_settings(), name)))

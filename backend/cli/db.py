"""``jobwarden db``: the schema, and a way in by hand."""

import os
import shutil

import click
from sqlalchemy.engine import make_url

from backend.cli.session import database_errors
from backend.database.engine import make_engine
from backend.database.version import SCHEMA_VERSION, check_schema, current_version
from backend.embedded.servers import attach, setup_url
from backend.errors import Refused
from backend.settings import load_settings


@click.group()
def db() -> None:
    """Upgrade, inspect or open the database.

    Example: jobwarden db upgrade
    """


@db.command()
def upgrade() -> None:
    """Bring the database to this program's schema.

    Example: jobwarden db upgrade
    """
    before = _version()
    if before == SCHEMA_VERSION:
        click.echo(f"the schema is {SCHEMA_VERSION} already: nothing to do")
        return
    from backend.database.upgrade import upgrade as upgrade_database

    upgrade_database(_url())
    click.echo(f"upgraded the schema from {before or 'nothing'} to {SCHEMA_VERSION}")


@db.command()
def current() -> None:
    """Print the schema's version; exit code 1 when it is not this program's.

    Example: jobwarden db current
    """
    found = _version()
    click.echo(found or "none")
    if found != SCHEMA_VERSION:
        raise Refused(f"this program needs schema {SCHEMA_VERSION}: run `jobwarden db upgrade`")


@db.command()
def url() -> None:
    """Print the URL of the database, with its password.

    Example: psql "$(jobwarden db url)"
    """
    click.echo(_url())


@db.command()
def shell() -> None:
    """Open psql on the database.

    Example: jobwarden db shell
    """
    target = _url()
    psql = shutil.which("psql")
    if psql is None:
        raise Refused("psql is not installed: any other client can use `jobwarden db url`")
    parsed = make_url(target)
    # The password goes through the environment: a command line is seen by everybody on the host.
    if parsed.password is not None:
        os.environ["PGPASSWORD"] = str(parsed.password)
    os.execv(psql, [psql, parsed.set(drivername="postgresql", password=None).render_as_string(hide_password=False)])


@db.command()
def roles() -> None:
    """Create the roles viewer, submitter, operator and worker, with rights that PostgreSQL itself enforces.

    Needs a database user that owns the tables and may create roles; run it again after each upgrade. Then give the
    roles to people: GRANT jobwarden_viewer TO alice.

    Example: jobwarden db roles
    """
    from backend.database.roles import ROLES, grant_roles

    settings = load_settings()
    attach(settings)
    engine = make_engine(setup_url(settings), application_name="jobwarden cli")
    try:
        with database_errors(engine, settings):
            check_schema(engine)
            grant_roles(engine)
    finally:
        engine.dispose()
    for name, line in ROLES.items():
        click.echo(f"{name:<20} {line}")


def _url() -> str:
    return attach(load_settings()).database_url


def _version() -> str | None:
    engine = make_engine(_url(), application_name="jobwarden cli")
    try:
        with database_errors(engine, load_settings()), engine.connect() as conn:
            return current_version(conn)
    finally:
        engine.dispose()

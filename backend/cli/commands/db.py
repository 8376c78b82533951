"""``jobwarden db``: the schema, and a way in by hand."""

import os
import shutil
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import click

from jobwarden.backend.cli.say import say
from jobwarden.backend.config.settings import load_settings
from jobwarden.backend.database.engine import SCHEMA_VERSION, check_schema, current_version, parse_url
from jobwarden.backend.embedded.servers import attach, setup_url
from jobwarden.backend.errors import Refused
from jobwarden.backend.services.session import open_engine


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
        say(f"the schema is {SCHEMA_VERSION} already: nothing to do")
        return
    from jobwarden.backend.database.upgrade import upgrade as upgrade_database

    upgrade_database(_url())
    say(f"upgraded the schema from {before or 'nothing'} to {SCHEMA_VERSION}")


@db.command()
def current() -> None:
    """Print the schema's version; exit code 1 when it is not this program's.

    Example: jobwarden db current
    """
    found = _version()
    say(found or "none")
    if found != SCHEMA_VERSION:
        raise Refused(f"this program needs schema {SCHEMA_VERSION}: run `jobwarden db upgrade`")


@db.command()
def url() -> None:
    """Print the URL of the database, with its password: never as an argument of a program, which everybody sees.

    For psql there is `jobwarden db shell`.

    Example: jobwarden db url
    """
    say(_url())


@db.command()
def shell() -> None:
    """Open psql on the database.

    Example: jobwarden db shell
    """
    target = _url()
    psql = shutil.which("psql")
    if psql is None:
        raise Refused("psql is not installed: any other client can use `jobwarden db url`")
    without, secrets = split_secrets(target)
    os.environ.update(_handed_over(secrets))
    os.execv(psql, [psql, without])


def split_secrets(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL for a command line, which everybody on the host sees, and the parameters of libpq left out of it."""
    parts = urlsplit(parse_url(url))
    given = parse_qsl(parts.query, keep_blank_values=True)
    secrets = {name: value for name, value in given if name in ("password", "sslpassword")}
    user, separator, place = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    if colon:
        secrets.setdefault("password", unquote(password))
    rest = urlencode([(name, value) for name, value in given if name not in secrets], quote_via=quote)
    return urlunsplit(parts._replace(netloc=f"{name}{separator}{place}", query=rest)), secrets


def _handed_over(secrets: Mapping[str, str]) -> dict[str, str]:
    """Variables by which libpq finds the secrets: there is one for a password, for that of a key only a service file.

    The file is one in memory that psql inherits.
    """
    variables = {"PGPASSWORD": secrets["password"]} if "password" in secrets else {}
    if "sslpassword" not in secrets:
        return variables
    file = os.memfd_create("service", 0)
    os.write(file, f"[jobwarden]\nsslpassword={secrets['sslpassword']}\n".encode())
    return {**variables, "PGSERVICEFILE": f"/proc/self/fd/{file}", "PGSERVICE": "jobwarden"}


@db.command()
def roles() -> None:
    """Create the roles viewer, submitter, operator and worker, with rights that PostgreSQL itself enforces.

    Needs a database user that owns the tables and may create roles; run it again after each upgrade. Then give the
    roles to people: GRANT jobwarden_viewer TO alice.

    Example: jobwarden db roles
    """
    from jobwarden.backend.database.roles import ROLES, grant_roles

    settings = load_settings()
    attach(settings)
    with open_engine(setup_url(settings), settings) as engine:
        check_schema(engine)
        grant_roles(engine)
    for name, line in ROLES.items():
        say(f"{name:<20} {line}")


def _url() -> str:
    return attach(load_settings()).database_url


def _version() -> str | None:
    settings = load_settings()
    with open_engine(attach(settings).database_url, settings) as engine, engine.connect() as conn:
        return current_version(conn)

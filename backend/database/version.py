"""Which schema this program speaks, and the check that the database speaks it too."""

from sqlalchemy import Connection, Engine, text

from jobwarden.backend.errors import Refused

SCHEMA_VERSION = "0004"
"""Head of the migrations; named here so that checking needs no Alembic (a test holds the two together)."""


def current_version(conn: Connection) -> str | None:
    """The schema version stamped in the database, None for a database without our tables."""
    if conn.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    version = conn.scalar(text("SELECT version_num FROM alembic_version"))
    return None if version is None else str(version)


def check_schema_path(conn: Connection) -> None:
    """Raise Refused when the login looks for tables in no schema at all, whatever is there."""
    if conn.scalar(text("SELECT current_schema()")) is None:
        user = conn.scalar(text("SELECT current_user"))
        raise Refused(f"search_path names no schema that is there: run ALTER ROLE {user} SET search_path = public")


def check_schema(engine: Engine) -> None:
    """Raise Refused, naming the command, unless the database has exactly this program's schema."""
    with engine.connect() as conn:
        found = current_version(conn)
        if found is None:
            check_schema_path(conn)
    if found == SCHEMA_VERSION:
        return
    if found is None:
        raise Refused("the database has no jobwarden schema: run `jobwarden db upgrade`")
    if found < SCHEMA_VERSION:
        raise Refused(
            f"the database has schema {found}, this program needs {SCHEMA_VERSION}: run `jobwarden db upgrade`"
        )
    raise Refused(f"the database has schema {found}, newer than this program's {SCHEMA_VERSION}: upgrade jobwarden")

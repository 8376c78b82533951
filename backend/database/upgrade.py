"""Bring a database to the program's schema with Alembic."""

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine

from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.database.engine import check_schema_path, make_engine, parse_url
from jobwarden.backend.database.roles import grant_roles, granted_here
from jobwarden.backend.errors import Refused

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = 19030
LOOK_SECONDS = 0.1

HELD_BY_ANOTHER_UPGRADE = text("""
    SELECT EXISTS (
        SELECT 1 FROM pg_locks l JOIN pg_stat_activity s ON s.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.classid = :kind AND l.objid = 0 AND l.objsubid = 2 AND l.granted
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (pg_has_role(s.usesysid, session_user, 'MEMBER')
               OR pg_has_role(s.usesysid, (SELECT relowner FROM pg_class WHERE oid = to_regclass('jobs')), 'MEMBER')))
""")
"""By a login that may act as this one, or as the owner of the tables."""


def alembic_config(url: str) -> Config:
    """Alembic's configuration, without an ini file: the migrations lie beside this module."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = parse_url(url)
    return config


def upgrade(url: str) -> None:
    """Upgrade to head; safe when two start it at once (the second waits, then finds nothing to do).

    Where the group roles were granted their rights, they are granted those of the new schema. Raises Refused for a
    database that cannot hold every text, or has no place for tables.
    """
    engine = make_engine(url, application_name="jobwarden upgrade")
    config = alembic_config(url)
    try:
        with engine.connect() as conn:
            check_schema_path(conn)
            _check_encoding(conn)
            _wait_for_others(conn)
            migrations = create_engine("postgresql+psycopg2://", creator=engine.open, poolclass=NullPool)
            with migrations.connect() as migrating:
                config.attributes["connection"] = migrating
                command.upgrade(config, "head")
                migrating.commit()
            if granted_here(conn):
                grant_roles(engine)
            conn.commit()
            conn.execute(text("SELECT pg_advisory_unlock(:kind, 0)"), {"kind": UPGRADE_LOCK})
            conn.commit()
    finally:
        engine.dispose()


def _check_encoding(conn: Connection) -> None:
    encoding, name = conn.execute(text("SELECT current_setting('server_encoding'), current_database()")).one()
    if encoding != "UTF8":
        raise Refused(
            f"database {name} has the encoding {encoding}, jobwarden needs UTF8: make another one with"
            " CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        )


def _wait_for_others(conn: Connection) -> None:
    """Hold the lock of the upgrade, or know that nobody who could upgrade holds it.

    Before the first upgrade there is no table to lock, and any login may take an advisory lock and keep it. Two that go
    on at once because of such a one do no harm: each step is a transaction, and one of them fails.
    """
    while not conn.scalar(text("SELECT pg_try_advisory_lock(:kind, 0)"), {"kind": UPGRADE_LOCK}):
        if not conn.scalar(HELD_BY_ANOTHER_UPGRADE, {"kind": UPGRADE_LOCK}):
            break
        conn.commit()
        time.sleep(LOOK_SECONDS)
    conn.commit()

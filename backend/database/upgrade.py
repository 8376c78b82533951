"""Bring a database to the program's schema with Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from backend.database.engine import make_engine, parse_url
from backend.database.roles import grant_roles, granted_here

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = 19030


def alembic_config(url: str) -> Config:
    """Alembic's configuration, without an ini file: the migrations lie beside this module."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = parse_url(url)
    return config


def upgrade(url: str) -> None:
    """Upgrade to head; safe when two start it at once (the second waits, then finds nothing to do).

    Where the group roles were granted their rights, they are granted those of the new schema.
    """
    engine = make_engine(url, application_name="jobwarden upgrade")
    config = alembic_config(url)
    try:
        with engine.connect() as conn:
            conn.execute(text("SELECT pg_advisory_lock(:kind, 0)"), {"kind": UPGRADE_LOCK})
            conn.commit()
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
            if granted_here(conn):
                grant_roles(engine)
            conn.commit()
            conn.execute(text("SELECT pg_advisory_unlock(:kind, 0)"), {"kind": UPGRADE_LOCK})
            conn.commit()
    finally:
        engine.dispose()

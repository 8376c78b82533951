"""Group roles of the database and their rights, which hold whatever program somebody uses."""

from pathlib import Path

from sqlalchemy import Engine

ROLES = {
    "jobwarden_viewer": "sees everything, changes nothing",
    "jobwarden_submitter": "also submits jobs and cancels its own",
    "jobwarden_operator": "also acts on every job and node",
    "jobwarden_worker": "runs workers: what the daemon needs, and no right to change the audit",
}
"""Role -> what it may do, as the user is told."""

_SQL = Path(__file__).parent / "sql" / "roles.sql"


def grant_roles(engine: Engine) -> None:
    """Create the roles where they are missing and grant each its rights; again after every upgrade of the schema.

    Raises DBAPIError 42501 when the database user may not create roles or does not own the tables.
    """
    with engine.begin() as conn:
        conn.exec_driver_sql(_SQL.read_text().replace("%", "%%"))

"""Group roles of the database and their rights, which hold whatever program somebody uses."""

from pathlib import Path

from jobwarden.backend.database.driver import Connection, Engine, text

SUBMITTER = "jobwarden_submitter"
OPERATOR = "jobwarden_operator"
WORKER = "jobwarden_worker"
OWNER = "the owner of the tables"

ROLES = {
    "jobwarden_viewer": "sees everything, changes nothing",
    SUBMITTER: "also submits jobs and cancels its own",
    OPERATOR: "also acts on every job and node",
    WORKER: "runs workers: what the daemon needs, and no right to change the audit",
}
"""Role -> what it may do, as the user is told."""


def lacking(role: str, action: str) -> str:
    """The line for somebody who has not the right: what it takes, and whom to ask."""
    return f"your database user may not {action}: that needs {role}; ask whoever runs the database"


_SQL = Path(__file__).parent / "sql" / "roles.sql"


def granted_here(conn: Connection) -> bool:
    """Whether ``db roles`` was ever run on this database; the roles themselves are shared by the whole server."""
    return bool(
        conn.scalar(
            text(
                "SELECT count(*) = :all AND bool_and(has_table_privilege(oid, 'jobs', 'SELECT')) FROM pg_roles"
                " WHERE rolname = ANY(:names)"
            ),
            {"all": len(ROLES), "names": list(ROLES)},
        )
    )


def grant_roles(engine: Engine) -> None:
    """Create the roles where they are missing and grant each its rights; again after every upgrade of the schema.

    Raises DatabaseError 42501 when the database user may not create roles or does not own the tables.
    """
    with engine.begin() as conn:
        conn.execute_script(_SQL.read_text())

"""Where a job went that is no longer in the database."""

from sqlalchemy import Connection

from backend.readmodel.statements import statement


def archived_in(conn: Connection, job_id: int) -> str | None:
    """``FILE on host NAME`` of the latest archive that has the job, None when none has."""
    row = conn.execute(statement("archived_in"), {"job": job_id}).one_or_none()
    return None if row is None else f"{row.path} on host {row.hostname}"

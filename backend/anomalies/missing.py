"""Why an id that was named is not in the database: archived, forgotten while its processes live, or never given."""

from collections.abc import Collection

from sqlalchemy import Connection

from backend.anomalies.strays import SCANNER
from backend.anomalies.unknown import find_unknown
from backend.errors import InputError, JobwardenError, Refused
from backend.readmodel.archives import archived_in
from backend.settings import Settings


def forgotten(conn: Connection, settings: Settings, ids: Collection[int]) -> dict[int, str]:
    """Those of ``ids`` whose processes live on this host though the database has no record of them (as `jobwarden
    orphans` lists them), each with what follows the words "job ID"."""
    if not ids:
        return {}
    found = {unknown.named.job_id: unknown.refusal for unknown in find_unknown(conn, settings, SCANNER)}
    return {job_id: found[job_id] for job_id in ids if job_id in found}


def no_such_job(conn: Connection, settings: Settings, job_id: int) -> JobwardenError:
    """The error for an id that the database does not have: an InputError, Refused when it has forgotten the job."""
    archive = archived_in(conn, job_id)
    if archive:
        return InputError(f"there is no job {job_id}: it was archived to {archive}")
    why = forgotten(conn, settings, [job_id]).get(job_id)
    return Refused(f"job {job_id} {why}") if why else InputError(f"there is no job {job_id}")

"""Which anomalies a filter matches: for the screen and the shell, which list them."""

from collections.abc import Sequence

from sqlalchemy import Connection

from backend.anomalies.detect import kinds_of
from backend.domain.states import AnomalyKind
from backend.readmodel.export import matching_ids
from backend.readmodel.jobs import compile_filter


def matching(conn: Connection, typed: str, anomalies: Sequence[tuple[int, AnomalyKind]]) -> frozenset[int]:
    """Return the jobs that match of these with what is wrong with them. Raises InputError for a wrong filter."""
    query = compile_filter(typed, kinds=kinds_of(anomalies))
    return frozenset(matching_ids(conn, query, [job_id for job_id, _ in anomalies]))

"""Whole rows for scripts: every column of ``jobs`` and ``events``, streamed in key order."""

from collections.abc import Iterator, Sequence
from typing import Any

from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.queries.events import EventQuery
from jobwarden.backend.queries.models.job_window import Query

JOB_COLUMNS = (
    "id, name, account, partition, state, held, priority, cpus, memory_mb, gpus, time_limit, submit_time, start_time,"
    " end_time, exit_code, exit_signal, failure_reason, error_msg, node_name, work_dir, script, arguments, environment,"
    " resubmit_of"
)
_EVENT_COLUMNS = "id, at, job_id, actor, action, from_state, to_state, reason, detail"
_BATCH = 1000


def stream_jobs(conn: Connection, query: Query, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Matching jobs, newest first, with all their columns; ``limit`` None is no limit."""
    sql = f"SELECT {JOB_COLUMNS} FROM jobs WHERE {query.where} ORDER BY id DESC LIMIT :limit"
    return _stream(conn, sql, {**query.params, "limit": limit})


_BY_URGENCY = (
    ("state = 'RUNNING'", "id DESC"),
    ("state = 'PENDING'", "priority DESC, id"),
    ("state NOT IN ('RUNNING', 'PENDING')", "coalesce(end_time, '-infinity') DESC, id DESC"),
)
"""Conditions and orders, each with an index that has it: nothing is sorted, so the first rows come at once."""


def stream_by_urgency(conn: Connection, query: Query, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Matching jobs with all their columns: running ones, pending ones as the scheduler takes them, the last ended.

    ``limit`` None is no limit. ``conn`` must see one moment, or a job may be met twice or not at all.
    """
    left = limit
    for condition, order in _BY_URGENCY:
        sql = f"SELECT {JOB_COLUMNS} FROM jobs WHERE {condition} AND ({query.where}) ORDER BY {order} LIMIT :limit"
        for row in _stream(conn, sql, {**query.params, "limit": left}):
            yield row
            left = None if left is None else left - 1


def read_job(conn: Connection, job_id: int) -> dict[str, Any] | None:
    """One job with all its columns, None when there is none."""
    row = conn.execute(text(f"SELECT {JOB_COLUMNS} FROM jobs WHERE id = :id"), {"id": job_id}).mappings().one_or_none()
    return None if row is None else dict(row)


def last_events(conn: Connection, asked: EventQuery, limit: int | None) -> list[dict[str, Any]]:
    """The newest events asked for, oldest first; ``limit`` None is no limit."""
    since = "true" if asked.since is None else "at >= now() - make_interval(secs => :since)"
    sql = f"SELECT {_EVENT_COLUMNS} FROM events WHERE {since} AND {asked.where} ORDER BY id DESC LIMIT :limit"
    rows = conn.execute(text(sql), {**asked.params, "since": asked.since, "limit": limit}).mappings()
    return [dict(row) for row in rows][::-1]


def events_after(conn: Connection, asked: EventQuery, after: int, seen: Sequence[int]) -> list[dict[str, Any]]:
    """Events over id ``after`` not in ``seen``: an id is given at insert, so a lower one may be committed later."""
    sql = f"SELECT {_EVENT_COLUMNS} FROM events WHERE {asked.where} AND id > :after AND id <> ALL(:seen) ORDER BY id"
    rows = conn.execute(text(sql), {**asked.params, "after": after, "seen": list(seen)}).mappings()
    return [dict(row) for row in rows]


def _stream(conn: Connection, sql: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for row in conn.stream(text(sql), params, _BATCH):
        yield row.asdict()

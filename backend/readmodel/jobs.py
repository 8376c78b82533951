"""Jobs by key: pages, what changed since, and how many match. Nothing here ever uses OFFSET."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from backend.domain.filters import parse_filter
from backend.domain.states import FailureReason, JobState
from backend.process.identity import this_host
from backend.readmodel.filter_sql import to_sql
from backend.readmodel.records import JobRow
from backend.readmodel.statements import source, statement

TOP = 1 << 62
"""Above every job id."""


@dataclass(frozen=True, slots=True)
class Query:
    """A filter as typed, with the SQL condition it stands for."""

    filter: str = ""
    where: str = "true"
    params: Mapping[str, Any] = field(default_factory=dict)


EVERY_JOB = Query()


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows of a stretch that changed: those that match the filter now, and the ids of those that do not."""

    rows: tuple[JobRow, ...]
    left: frozenset[int]
    complete: bool
    """False when there were more than asked for: read the stretch again instead."""


def compile_filter(typed: str) -> Query:
    """Turn a filter as typed into a query. Raises InputError that points at the wrong word."""
    if not typed.strip():
        return EVERY_JOB
    where, params = to_sql(parse_filter(typed))
    return Query(typed, where, params)


def read_page(conn: Connection, query: Query, *, below: int = TOP, above: int = -1, limit: int) -> list[JobRow]:
    """Read up to ``limit`` jobs with ``above`` < id < ``below``, newest first.

    With ``above`` given (>= 0) and no ``below`` the page is the one right above that id, else right under ``below``.
    """
    direction = "ASC" if above >= 0 and below == TOP else "DESC"
    rows = _execute(conn, query, direction, {"below": below, "above": above, "limit": limit})
    return [_job(row) for row in rows]


def read_changes(conn: Connection, query: Query, since: int, *, low: int, high: int, limit: int) -> Changes:
    """Read what changed from transaction ``since`` on among the ids ``low`` to ``high``, both included."""
    keys = "id BETWEEN :low AND :high AND changed_xid >= CAST(:since AS xid8)"
    sql = _sql("DESC", keys, "true", f", ({query.where}) IS TRUE AS matches")
    params = {"low": low, "high": high, "since": str(since), "limit": limit + 1, **query.params}
    rows = list(conn.execute(text(sql), params).mappings())
    kept = tuple(_job(row) for row in rows if row["matches"])
    return Changes(kept, frozenset(row["id"] for row in rows if not row["matches"]), len(rows) <= limit)


def count_newer(conn: Connection, query: Query, *, above: int) -> tuple[int, int]:
    """Count the matching jobs over id ``above``; returns how many and the highest id of them."""
    sql = f"SELECT count(*), coalesce(max(id), 0) FROM jobs WHERE id > :above AND ({query.where})"
    newer, newest = conn.execute(text(sql), {"above": above, **query.params}).one()
    return int(newer), int(newest)


def count(conn: Connection, query: Query) -> int:
    """Count all matching jobs. Costs about 100 ms a million jobs: ask seldom."""
    return int(conn.execute(text(f"SELECT count(*) FROM jobs WHERE {query.where}"), query.params).scalar_one())


def id_range(conn: Connection) -> tuple[int, int]:
    """Return the lowest and highest job id, (0, 0) when there is no job."""
    low, high = conn.execute(text("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM jobs")).one()
    return int(low), int(high)


def horizon(conn: Connection) -> int:
    """Return the transaction from which on a later reading may find changes; ask before reading, not after."""
    return int(conn.execute(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")).scalar_one())


def read_jobs(conn: Connection, ids: Sequence[int]) -> list[JobRow]:
    """Read the given jobs, newest first; unknown ids are left out."""
    sql = _sql("DESC", "id = ANY(:ids)", "true", "")
    return [_job(row) for row in conn.execute(text(sql), {"ids": list(ids), "limit": len(ids)}).mappings()]


def read_counts(conn: Connection) -> dict[JobState, int]:
    """Count the jobs by state; states without a job count 0."""
    found = {JobState(state): int(jobs) for state, jobs in conn.execute(statement("counts"))}
    return {state: found.get(state, 0) for state in JobState}


def _execute(conn: Connection, query: Query, direction: str, params: dict[str, Any]) -> list[RowMapping]:
    sql = _sql(direction, "id < :below AND id > :above", query.where, "")
    return list(conn.execute(text(sql), {**params, **query.params}).mappings())


def _sql(direction: str, keys: str, where: str, flags: str) -> str:
    template = source("jobs")
    for name, value in {"direction": direction, "keys": keys, "where": where, "flags": flags}.items():
        template = template.replace("{" + name + "}", value)
    return template


def _job(row: RowMapping) -> JobRow:
    values: dict[str, Any] = dict(row)
    values.pop("matches", None)
    values["remote_host"] = _remote_host(values.pop("hostname"), values.pop("machine_id"), values.pop("boot_id"))
    values["state"] = JobState(values["state"])
    reason = values["failure_reason"]
    values["failure_reason"] = FailureReason(reason) if reason else None
    return JobRow(**values)


def _remote_host(hostname: str | None, machine_id: str | None, boot_id: str | None) -> str | None:
    """The host of an attempt unless it is this machine, of which either id is enough (reboots, other containers)."""
    here = this_host()
    return None if machine_id in (None, here.machine_id) or boot_id == here.boot_id else hostname

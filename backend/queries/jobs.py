"""Jobs by key: pages, what changed since, how many match, and the words in them. Nothing here ever uses OFFSET."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.domain.filters.jobs import parse_filter
from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.process.identity import ran_here
from jobwarden.backend.queries.filter_sql import Kinds, to_sql
from jobwarden.backend.queries.models.job_window import EVERY_JOB, Query, in_order
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.backend.queries.models.pages import Words
from jobwarden.backend.queries.models.sort import (
    NEWEST,
    SORT_KEYS,
    Order,
    SortPosition,
    beyond_sql,
    bound,
    downward,
    order_sql,
    position,
)
from jobwarden.backend.queries.statements import source, statement

SAMPLE = 2000
"""Rows by which it is guessed what stands on a far line."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order of the list, and whether there are more in the direction they were read."""

    rows: tuple[JobRow, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class ListStretch:
    """What a list shows: the ids it holds, and the positions between which rows belong (None: an end of the list)."""

    held: Sequence[int]
    top: SortPosition | None
    bottom: SortPosition | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows of a stretch that changed: those that match the filter now, and those that do not."""

    rows: tuple[JobRow, ...]
    left: tuple[JobRow, ...]
    complete: bool
    """False when there were more than asked for: read the stretch again instead."""


def compile_filter(typed: str, order: Order = NEWEST, kinds: Kinds | None = None) -> Query:
    """Turn a filter as typed into a query. Raises InputError that points at the wrong word.

    ``kinds`` names the anomalies when the filter is one of anomalies.
    """
    if not typed.strip():
        return EVERY_JOB if order == NEWEST else Query(order=order)
    where, params = to_sql(parse_filter(typed, anomalies=kinds is not None), kinds=kinds)
    return Query(typed, where, params, order)


def read_page(
    conn: Connection,
    query: Query,
    limit: int,
    *,
    at: SortPosition | None = None,
    backwards: bool = False,
    inclusive: bool = False,
) -> Page:
    """Read up to ``limit`` jobs behind the position ``at``, or before it when ``backwards``.

    Without a position the page begins at the top of the list, backwards at its bottom; ``inclusive`` counts the row
    at the position in.
    """
    order = query.order
    keys = "true" if at is None else beyond_sql(order, backwards=backwards, inclusive=inclusive)
    params = {**({} if at is None else bound(order, at)), "limit": limit + 1, **_given(query)}
    sql = _sql(keys, query.where, order_sql(order, backwards=backwards))
    rows = in_order(query, [_job(row) for row in conn.execute(text(sql), params).mappings()])
    if len(rows) <= limit:
        return Page(rows, False)
    return Page(rows[1:] if backwards else rows[:limit], True)


def read_changes(conn: Connection, query: Query, since: int, stretch: ListStretch, limit: int) -> Changes:
    """Read what changed from transaction ``since`` on of what a stretch holds and of what belongs into it."""
    order = query.order
    bounds, params = [], {"since": str(since), "limit": limit + 1, "held": list(stretch.held), **_given(query)}
    for name, edge, backwards in (("top", stretch.top, False), ("bottom", stretch.bottom, True)):
        if edge is not None:
            bounds.append(beyond_sql(order, backwards=backwards, inclusive=True, name=name))
            params |= bound(order, edge, name)
    inside = " AND ".join(bounds) or "true"
    keys = f"changed_xid >= CAST(:since AS xid8) AND (id = ANY(:held) OR ({inside}))"
    sql = _sql(keys, "true", "id DESC", flags=f", ({query.where}) IS TRUE AS matches")
    rows = list(conn.execute(text(sql), params).mappings())
    kept, left = ([_job(row) for row in rows if row["matches"] is matches] for matches in (True, False))
    return Changes(tuple(kept), tuple(left), len(rows) <= limit)


def count_newer(conn: Connection, query: Query, *, above: int) -> tuple[int, int]:
    """Count the matching jobs over id ``above``; returns how many and the highest id of them."""
    sql = f"SELECT count(*), coalesce(max(id), 0) FROM jobs WHERE id > :above AND ({query.where})"
    newer, newest = conn.execute(text(sql), {"above": above, **query.params}).one()
    return int(newer), int(newest)


def count(conn: Connection, query: Query) -> int:
    """Count all matching jobs. With a filter it costs about 100 ms a million jobs: ask seldom."""
    if query.where == "true":
        return sum(read_counts(conn).values())
    return int(conn.execute(text(f"SELECT count(*) FROM jobs WHERE {query.where}"), query.params).scalar_one())


def guess_position(conn: Connection, query: Query, line: int, total: int) -> SortPosition | None:
    """Guess what stands on a far line; None when a sample of the table has no row that matches.

    Nothing is counted off: it costs what reading some thousand rows costs, however long the list is.
    """
    order = query.order
    if SORT_KEYS[order.column].by_id and query.where == "true":
        low, high = id_range(conn)
        step = (high - low) * line // max(1, total)
        return 0, (high - step if downward(order) else low + step)
    percent = min(100.0, 100.0 * SAMPLE / max(1, sum(read_counts(conn).values())))
    sql = _sql("true", query.where, order_sql(order), table=f"jobs TABLESAMPLE SYSTEM ({percent})")
    found = conn.execute(text(sql), {"limit": SAMPLE * 4, **_given(query)}).mappings()
    rows = in_order(query, [_job(row) for row in found])
    return position(rows[min(len(rows) - 1, line * len(rows) // max(1, total))], order) if rows else None


def id_range(conn: Connection) -> tuple[int, int]:
    """Return the lowest and highest job id, (0, 0) when there is no job."""
    low, high = conn.execute(text("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM jobs")).one()
    return int(low), int(high)


def horizon(conn: Connection) -> int:
    """Return the transaction from which on a later reading may find changes; ask before reading, not after."""
    return int(conn.execute(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")).scalar_one())


def read_jobs(conn: Connection, ids: Sequence[int]) -> list[JobRow]:
    """Read the given jobs, newest first; unknown ids are left out."""
    sql = _sql("id = ANY(:ids)", "true", "id DESC")
    rows = conn.execute(text(sql), {"ids": list(ids), "limit": len(ids)}).mappings()
    return sorted((_job(row) for row in rows), key=lambda row: row.id, reverse=True)


def read_counts(conn: Connection) -> dict[JobState, int]:
    """Count the jobs by state; states without a job count 0."""
    found = {JobState(state): int(jobs) for state, jobs in conn.execute(statement("counts"))}
    return {state: found.get(state, 0) for state in JobState}


def count_held(conn: Connection) -> int:
    """Count the PENDING jobs that are held; an index holds them alone."""
    return int(conn.scalar(text("SELECT count(*) FROM jobs WHERE state = 'PENDING' AND held")) or 0)


def _given(query: Query) -> dict[str, Any]:
    """The parameters of a query's own condition and order."""
    return {**query.params, "as_of": query.order.as_of}


def _sql(keys: str, where: str, order: str, *, flags: str = "", table: str = "jobs") -> str:
    template = source("jobs")
    given = {"keys": keys, "where": where, "order": order, "flags": flags, "source": table}
    for name, value in given.items():
        template = template.replace("{" + name + "}", value)
    return template


def _job(row: Mapping[str, Any]) -> JobRow:
    values: dict[str, Any] = dict(row)
    values.pop("matches", None)
    values["remote_host"] = _remote_host(values.pop("hostname"), values.pop("machine_id"), values.pop("boot_id"))
    values["state"] = JobState(values["state"])
    reason = values["failure_reason"]
    values["failure_reason"] = FailureReason(reason) if reason else None
    return JobRow(**values)


def _remote_host(hostname: str | None, machine_id: str | None, boot_id: str | None) -> str | None:
    """The host of an attempt unless it is this one."""
    if machine_id is None or ran_here(machine_id=machine_id, boot_id=boot_id, hostname=hostname):
        return None
    return hostname


# The words that stand in the jobs now, to be offered while somebody types a filter.


def read_words(conn: Connection) -> Words:
    """Read the words by hopping from one to the next in an index: a few milliseconds, however many jobs there are."""
    found: dict[str, list[str]] = {"account": [], "node": [], "partition": []}
    for kind, word in conn.execute(statement("words")):
        found[kind].append(word)
    return Words(*(tuple(sorted(set(found[kind]))) for kind in ("account", "node", "partition")))


# Jobs by their ids.


def existing_jobs(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Those of ``ids`` that are jobs."""
    return set(conn.scalars(text("SELECT id FROM jobs WHERE id = ANY(:ids)"), {"ids": list(ids)}))


def matching_ids(conn: Connection, query: Query, among: Sequence[int] | None = None) -> list[int]:
    """Ids of the jobs that match, oldest first: of all jobs, or of those ``among`` these ids."""
    keys = "true" if among is None else "id = ANY(:among)"
    values = query.params if among is None else {"among": list(among), **query.params}
    return list(conn.scalars(text(f"SELECT id FROM jobs WHERE {keys} AND ({query.where}) ORDER BY id"), values))

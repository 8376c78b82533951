"""Orders of the job list: what PostgreSQL sorts and pages by, and the same value of a row that was read.

Both sides must agree to the letter, because rows that changed are put in their place without asking again. So text is
compared by its bytes with ASCII letters lowered (collation ``C``), and what a job does not have stands for the least.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jobwarden.backend.domain.states import JobState
from jobwarden.backend.queries.models.jobs import JobRow

NEVER = datetime.min.replace(tzinfo=UTC)
"""Stands for a time that a job has not come to; sorts before all others."""
UNLIMITED = 2**31 - 1
"""Stands for no time limit; sorts behind all others."""
_STATES = list(JobState)
_LOWER = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


@dataclass(frozen=True, slots=True)
class Order:
    """Which column orders the list. ``as_of`` is the moment at which running times are compared."""

    column: str = "id"
    descending: bool = True
    as_of: datetime | None = None


NEWEST = Order()
SortPosition = tuple[Any, int]
"""Where a row stands: the value it is sorted by, and its id."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """``sql`` over the columns of jobs, of the SQL type ``type``; ``value`` is the same of a row.

    ``by_id`` is for what grows with the id and needs no value; ``inverse`` for what falls while the id grows.
    """

    sql: str = ""
    type: str = ""
    value: Callable[[JobRow, Order], Any] = lambda row, order: 0
    by_id: bool = False
    inverse: bool = False


def lowered(text: str | None) -> str:
    """Return text with its ASCII letters lowered, as ``lower(... COLLATE "C")`` does."""
    return (text or "").translate(_LOWER)


def lowered_sql(column: str) -> str:
    """Return the SQL of :func:`lowered`; the indexes of 0002_lists.sql hold exactly this."""
    return f"""lower({column} COLLATE "C")"""


def _text(column: str, value: Callable[[JobRow], str | None]) -> SortKey:
    return SortKey(lowered_sql(column), "text", lambda row, _: lowered(value(row)))


def _time(column: str, value: Callable[[JobRow], datetime | None]) -> SortKey:
    return SortKey(f"coalesce({column}, '-infinity')", "timestamptz", lambda row, _: value(row) or NEVER)


def _elapsed(row: JobRow, order: Order) -> int:
    if row.start_time is None:
        return -1
    return ((row.end_time or order.as_of or NEVER) - row.start_time) // timedelta(microseconds=1)


_PID = "(SELECT a.process_id FROM resource_allocations a WHERE a.job_id = jobs.id AND NOT a.released)"
SORT_KEYS: Mapping[str, SortKey] = {
    "id": SortKey(by_id=True),
    "age": SortKey(by_id=True, inverse=True),
    "state": SortKey("state", "job_state", lambda row, _: _STATES.index(row.state)),
    "note": SortKey(
        "coalesce(failure_reason::text, '') COLLATE \"C\"", "text", lambda row, _: str(row.failure_reason or "")
    ),
    "name": _text("name", lambda row: row.name),
    "account": _text("account", lambda row: row.account),
    "partition": _text("partition", lambda row: row.partition),
    "node": _text("coalesce(node_name, '')", lambda row: row.node_name),
    "priority": SortKey("priority", "integer", lambda row, _: row.priority),
    "pid": SortKey(f"coalesce({_PID}, 0)", "integer", lambda row, _: row.process_id or 0),
    "cpus": SortKey("cpus", "integer", lambda row, _: row.cpus),
    "memory": SortKey("memory_mb", "bigint", lambda row, _: row.memory_mb),
    "gpus": SortKey("gpus", "integer", lambda row, _: row.gpus),
    "elapsed": SortKey(
        "coalesce((extract(epoch FROM coalesce(end_time, CAST(:as_of AS timestamptz)) - start_time) * 1000000)::bigint,"
        " -1)",
        "bigint",
        _elapsed,
    ),
    "limit": SortKey(f"coalesce(time_limit, {UNLIMITED})", "integer", lambda row, _: row.time_limit or UNLIMITED),
    "started": _time("start_time", lambda row: row.start_time),
    "ended": _time("end_time", lambda row: row.end_time),
}
"""Column of the list -> how to sort by it."""


def as_of(order: Order, moment: datetime) -> Order:
    """Return the order as of a moment, when it depends on the time at all."""
    return replace(order, as_of=moment if order.column == "elapsed" else None)


def position(row: JobRow, order: Order) -> SortPosition:
    """Return where a row stands; positions of one order compare as PostgreSQL does."""
    return SORT_KEYS[order.column].value(row, order), row.id


def downward(order: Order) -> bool:
    """Whether the list begins with the greatest value."""
    return order.descending is not SORT_KEYS[order.column].inverse


def order_sql(order: Order, *, backwards: bool = False) -> str:
    """Return what stands behind ORDER BY."""
    direction = "DESC" if downward(order) is not backwards else "ASC"
    key = SORT_KEYS[order.column]
    return f"id {direction}" if key.by_id else f"{key.sql} {direction}, id {direction}"


def beyond_sql(order: Order, *, backwards: bool = False, inclusive: bool = False, name: str = "at") -> str:
    """Return the condition for rows behind (``backwards``: before) the position bound as ``:<name>_key``, ``_id``."""
    sign = ("<" if downward(order) is not backwards else ">") + ("=" if inclusive else "")
    key = SORT_KEYS[order.column]
    if key.by_id:
        return f"id {sign} :{name}_id"
    return f"({key.sql}, id) {sign} (CAST(:{name}_key AS {key.type}), :{name}_id)"


def bound(order: Order, at: SortPosition, name: str = "at") -> dict[str, Any]:
    """Return the parameters of :func:`beyond_sql`."""
    value, job_id = at
    params: dict[str, Any] = {f"{name}_id": job_id}
    if not SORT_KEYS[order.column].by_id:
        params[f"{name}_key"] = _bindable(order, value)
    return params


def _bindable(order: Order, value: Any) -> Any:
    if order.column == "state":
        return str(_STATES[value])
    return "-infinity" if value == NEVER else value

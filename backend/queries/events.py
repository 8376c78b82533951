"""The audit as the screen shows it: pages by key, newest first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.domain.filters.simple import PlainTerm, parse_event_filter
from jobwarden.backend.domain.units import is_id
from jobwarden.backend.queries.job_detail import event
from jobwarden.backend.queries.models.pages import EventsPage, EventsWanted
from jobwarden.backend.queries.statements import source

_COLUMNS = {"actor": "actor", "action": "action", "node": "coalesce(detail->>'node_name', '')"}
_SEARCHED = ("actor", "action", "coalesce(reason, '')")

LONGEST_AGO = 10**10
"""Seconds, some centuries; what PostgreSQL can take from a time."""

BindValue = Callable[[object], str]


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A filter of the audit as SQL with its parameters, and how many seconds back it reaches (None: to the first)."""

    where: str
    params: Mapping[str, object]
    since: int | None = None


def compile_events(typed: str, job_id: int | None = None, since: int | None = None) -> EventQuery:
    """Turn a filter as typed into a query, of one job if there is a ``job_id``. Raises InputError."""
    job = () if job_id is None else (PlainTerm("job", (str(job_id),)),)
    where, params = event_condition((*job, *parse_event_filter(typed)))
    return EventQuery(where, params, None if since is None else min(since, LONGEST_AGO))


def read_events_page(conn: Connection, wanted: EventsWanted) -> EventsPage:
    """Read a page of the events that match, newest first. Raises InputError for a filter that says nothing sensible."""
    where, params = event_condition(parse_event_filter(wanted.filter))
    below = wanted.below or 1 << 62
    sql = source("events").replace("{where}", where)
    found = conn.execute(text(sql), {**params, "below": below, "limit": wanted.limit + 1}).mappings()
    rows = [event(row) for row in found]
    return EventsPage(wanted, tuple(rows[: wanted.limit]), len(rows) > wanted.limit)


def event_condition(terms: tuple[PlainTerm, ...]) -> tuple[str, dict[str, object]]:
    """Return a condition over ``events`` and its parameters; every value of the user is a parameter."""
    params: dict[str, object] = {}

    def bind(value: object) -> str:
        params[f"e{len(params)}"] = value
        return f":e{len(params) - 1}"

    return " AND ".join(_condition(term, bind) for term in terms) or "true", params


def _condition(term: PlainTerm, bind: BindValue) -> str:
    if term.field is None:
        either = _search(term.values[0], bind)
    elif term.field == "job":
        either = f"job_id = ANY({bind([int(value) for value in term.values])})"
    elif term.field == "state":
        # A change of the state alone: other events repeat none.
        either = f"(to_state IS DISTINCT FROM from_state AND to_state::text = ANY({bind(_upper(term.values))}))"
    else:
        either = " OR ".join(f"{_COLUMNS[term.field]} ILIKE {bind(_like(value))}" for value in term.values)
    return f"NOT coalesce({either}, false)" if term.negated else f"({either})"


def _upper(values: tuple[str, ...]) -> list[str]:
    return [value.upper() for value in values]


def _search(value: str, bind: BindValue) -> str:
    pattern = bind(f"%{_like(value)}%")
    found = [f"{column} ILIKE {pattern}" for column in _SEARCHED]
    if is_id(value):
        found.append(f"job_id = {bind(int(value))}")
    return " OR ".join(found)


def _like(value: str) -> str:
    """The value as a LIKE pattern in which only ``*`` stands for other letters."""
    escaped = "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in value)
    return escaped.replace("*", "%")

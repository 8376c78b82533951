"""What an action is for: jobs by id, or whatever a filter says at the moment of acting, and how both are typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobwarden.backend.config.settings import Settings
    from jobwarden.backend.database.driver import Connection
    from jobwarden.backend.queries.filter_sql import Kinds

from jobwarden.backend.domain.filters.jobs import parse_filter
from jobwarden.backend.domain.units import shorten
from jobwarden.backend.errors import InputError, JobwardenError, Refused

LEFT_THE_FILTER = "no longer matches the filter: left alone"


@dataclass(frozen=True, slots=True)
class Scope:
    """The jobs an action is for.

    ``ids`` alone are acted on whatever a screen shows. A ``filter`` alone stands for every job that matches when it is
    asked ("" matches all). Both together are a confirmed bulk action: only jobs that were confirmed *and* still match.
    """

    ids: tuple[int, ...] = ()
    filter: str | None = None

    def pinned(self, ids: Sequence[int]) -> "Scope":
        """The scope after somebody confirmed ``ids``: nothing that begins to match later is acted on."""
        return Scope(tuple(ids), self.filter if ids else None)


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """What somebody wants done, the same from a key or a verb down to where it is done.

    ``action`` is a name of the catalog, ``value`` the number that it takes (``priority`` alone does). ``force`` goes
    against the evidence.
    """

    action: str
    scope: Scope
    reason: str | None = None
    force: bool = False
    value: int | None = None


def find_ids(conn: "Connection", scope: Scope) -> list[int]:
    """Ids the scope names now, each once. Raises InputError for a filter that says nothing sensible."""
    if scope.ids or scope.filter is None:
        return list(dict.fromkeys(scope.ids))
    return _matching(conn, scope.filter)


def still_matching(conn: "Connection", scope: Scope, ids: Sequence[int], kinds: "Kinds | None" = None) -> set[int]:
    """Those of ``ids`` that the scope's filter matches now; all when it has none. ``kinds`` when they are anomalies."""
    if scope.filter is None:
        return set(ids)
    return set(_matching(conn, scope.filter, ids, kinds))


def _matching(
    conn: "Connection", filter_text: str, among: Sequence[int] | None = None, kinds: "Kinds | None" = None
) -> list[int]:
    """Ids that match; what asks the database is loaded only now, for the screen names scopes before it needs one."""
    from jobwarden.backend.queries.jobs import compile_filter, matching_ids

    return matching_ids(conn, compile_filter(filter_text, kinds=kinds), among=among)


# How a person names jobs, in the shell and on the screen: by ids, or by a filter.


def parse_id(text: str) -> int:
    """A job id as typed; InputError when it is not a number."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InputError(f"{shorten(text)} is not a job id: ids are whole numbers")
    return int(text)


def parse_scope(words: Sequence[str], filter_text: str | None = None) -> Scope:
    """What ``words`` and a filter apart from them name. InputError when that is nothing, or might be a slip.

    Words are ids, or a filter each word of which names a field: ``kill 12 1x`` must not turn into a search.
    """
    if filter_text is not None and not filter_text.strip():
        raise InputError("the filter is empty, which would match every job: give at least one condition")
    if any(_names_a_field(word) for word in words):
        if filter_text is not None:
            raise InputError("two filters: put all conditions into one")
        return Scope(filter=_of_fields(" ".join(words)))
    ids = tuple(dict.fromkeys(parse_id(part) for word in words for part in word.split(",") if part))
    if not ids and filter_text is None:
        raise InputError("no jobs given: give ids, or a filter like state:running")
    return Scope(ids, filter_text)


def _of_fields(typed: str) -> str:
    """A filter in which no word is a mere search. ``kind`` passes: who evaluates it knows whether it may be there."""
    for term in parse_filter(typed, anomalies=True).terms:
        if term.field is None:
            word = shorten(term.values[0].text)
            raise InputError(f"{word} is neither an id nor a field: name the field, as in name:train*")
    return typed


def _names_a_field(word: str) -> bool:
    return any(operator in word for operator in ":=<>")


def no_such_job(conn: "Connection", settings: "Settings", job_id: int) -> JobwardenError:
    """The error for an id that the database does not have: an InputError, Refused when it has forgotten the job."""
    from jobwarden.backend.anomalies.strays import forgotten  # only a wrong id needs to know of processes
    from jobwarden.backend.queries.job_detail import archived_in

    archive = archived_in(conn, job_id)
    if archive:
        return InputError(f"there is no job {job_id}: it was archived to {archive}")
    why = forgotten(conn, settings, [job_id]).get(job_id)
    return Refused(f"job {job_id} {why}") if why else InputError(f"there is no job {job_id}")

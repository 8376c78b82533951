"""What an action is for: jobs by id, or whatever a filter says at the moment of acting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from backend.readmodel.filter_sql import Kinds

LEFT_THE_FILTER = "does not match the filter any more: left alone"


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


Targets: TypeAlias = Scope | Sequence[int]
"""A scope, or simply ids."""


def as_scope(targets: Targets) -> Scope:
    """The scope that ``targets`` are."""
    return targets if isinstance(targets, Scope) else Scope(tuple(targets))


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
    from backend.readmodel.export import matching_ids
    from backend.readmodel.jobs import compile_filter

    return matching_ids(conn, compile_filter(filter_text, kinds=kinds), among=among)

"""Saved views of the job list: a filter, an order and columns under a name; some come along."""

from dataclasses import dataclass
from typing import Any

from tui.config.state import State
from tui.widgets.table.layout import Layout, from_plain, to_plain
from tui.widgets.table.rows import Sort

NAME_LENGTH = 40
"""Characters of a name."""
NEWEST_FIRST = Sort("id", descending=True)


@dataclass(frozen=True, slots=True)
class View:
    """What a name stands for. ``columns`` None leaves the columns as they are."""

    name: str
    filter: str = ""
    sort: Sort = NEWEST_FIRST
    columns: tuple[tuple[Any, ...], ...] | None = None
    own: bool = False
    """Whether a person saved it."""

    def layout(self, columns: Any) -> Layout | None:
        """Return the columns of the view, None to leave them as they are."""
        return None if self.columns is None else from_plain([list(choice) for choice in self.columns], columns)


BUILT_IN = (
    View("all"),
    View("running longest", "state:running", Sort("elapsed", descending=True)),
    View("next to start", "state:pending !state:held", Sort("priority", descending=True)),
    View("failed today", "state:failed ended<1d", Sort("ended", descending=True)),
    View("ended last", "state:completed,failed,cancelled", Sort("ended", descending=True)),
)


def own_view(name: str, filter_text: str, sort: Sort, layout: Layout) -> View:
    """Return a view as a person saves it."""
    return View(name, filter_text, sort, tuple(tuple(choice) for choice in to_plain(layout)), own=True)


class Views:
    """The views there are, those of a person kept across runs; one of a built-in's name takes its place."""

    def __init__(self, state: State) -> None:
        self._state = state

    def all(self) -> tuple[View, ...]:
        """Return a person's own views, then those that come along."""
        own = {view.name: view for name, kept in self._kept().items() if (view := _read(name, kept)) is not None}
        return (*own.values(), *(view for view in BUILT_IN if view.name not in own))

    def save(self, view: View) -> None:
        """Keep a view; one of the same name is replaced."""
        sort = [view.sort.column, view.sort.descending]
        columns = None if view.columns is None else [list(choice) for choice in view.columns]
        self._put({**self._kept(), view.name: {"filter": view.filter, "sort": sort, "columns": columns}})

    def delete(self, name: str) -> None:
        """Forget a person's own view; those that come along stay."""
        self._put({kept: value for kept, value in self._kept().items() if kept != name})

    def _kept(self) -> dict[str, Any]:
        return self._state.get("views", "jobs", {})

    def _put(self, views: dict[str, Any]) -> None:
        self._state.put("views", "jobs", views)


def _read(name: str, kept: Any) -> View | None:
    """Return a kept view, None when somebody wrote nonsense into the file."""
    match kept:
        case {"filter": str(text), "sort": [str(column), bool(descending)], "columns": list() | None as columns}:
            plain = None if columns is None else tuple(tuple(one) for one in columns if isinstance(one, list))
            return View(name, text, Sort(column, descending), plain, own=True)
    return None

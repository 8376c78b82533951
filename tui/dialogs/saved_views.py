"""Saved views of the job list, and the window that opens one or saves the list as it is now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from jobwarden.tui.config.state import State
from jobwarden.tui.dialogs.picker import Picker
from jobwarden.tui.keys.bindings import CHOOSE_VIEW
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.widgets.table.columns import Cell, Column
from jobwarden.tui.widgets.table.layout import Layout, from_plain, to_plain
from jobwarden.tui.widgets.table.rows import Sort

# Saved views of the job list: a filter, an order and columns under a name; some come along.

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


class SavedViews:
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


def _order(view: View) -> str:
    return f"{'▼' if view.sort.descending else '▲'} {view.sort.column}"


class ViewPicker(Picker[View]):
    """Answers with the view to open. ``now`` is the list as it is, to be saved under the name that is typed."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(CHOOSE_VIEW)
    TITLE_TEXT = "Saved views"
    HINT = "Enter open   s save the current list   d delete   Esc close"
    COLUMNS: ClassVar[Sequence[Column[View]]] = (
        Column("own", "", 1, 0, lambda view, _: Cell("★" if view.own else "")),
        Column("name", "VIEW", 20, 0, lambda view, _: Cell(view.name), flexible=True, widest=30),
        Column("order", "ORDER", 12, 1, lambda view, _: Cell(_order(view), "dim")),
        Column(
            "filter", "FILTER", 20, 0, lambda view, _: Cell(view.filter or "all jobs", "dim"), flexible=True, widest=60
        ),
    )

    def __init__(self, views: SavedViews, now: View) -> None:
        super().__init__()
        self._views = views
        self._now = now

    def more(self) -> ComposeResult:
        """Return the line for the name."""
        name = Input(placeholder="name of the view", max_length=NAME_LENGTH, compact=True)
        name.display = False
        yield name

    def rows(self) -> Sequence[View]:
        """Return the views there are."""
        return self._views.all()

    def chosen(self) -> None:
        """Open the view under the cursor."""
        if self.table.selected is not None:
            self.dismiss(self.table.selected)

    def action_save(self) -> None:
        """Ask for the name."""
        name = self.query_one(Input)
        name.display = True
        name.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Save under the name; an empty one saves nothing."""
        event.stop()
        name = " ".join(event.value.split())
        if name:
            self._views.save(View(name, self._now.filter, self._now.sort, self._now.columns, own=True))
        self._back(name)

    def action_delete(self) -> None:
        """Forget the view under the cursor; those that come along stay."""
        view = self.table.selected
        if view is not None and view.own:
            self._views.delete(view.name)
            self._back("")

    def action_close(self) -> None:
        """Leave the name, then the window."""
        if self.query_one(Input).display:
            self._back("")
        else:
            self.dismiss(None)

    def _back(self, name: str) -> None:
        line = self.query_one(Input)
        line.value = ""
        line.display = False
        self.fill()
        self.cursor_to(name)
        self.table.focus()

"""Which columns of a table a person wants to see, in which order and how wide, also in the next run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from textual.widget import Widget

from jobwarden.tui.widgets.table.columns import Column
from jobwarden.tui.widgets.table.rows import Sort

# Which columns of a table a person wants to see, in which order and how wide.

Row = TypeVar("Row")
NARROWEST, WIDEST = 3, 120
"""Bounds of a width that is chosen by hand, in cells."""


class Shown(StrEnum):
    """When a column is shown."""

    AUTO = "auto"
    """When there is room for it."""
    ALWAYS = "always"
    NEVER = "never"

    def next(self) -> "Shown":
        """Return the next choice, in a circle."""
        order = list(Shown)
        return order[(order.index(self) + 1) % len(order)]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for one column; ``width`` 0 is the declared one."""

    name: str
    shown: Shown = Shown.AUTO
    width: int = 0


Layout = tuple[Choice, ...]
"""The columns in the order shown."""


def declared(columns: Sequence[Column[Any]]) -> Layout:
    """Return the layout as the columns are declared."""
    return tuple(Choice(column.name, Shown.NEVER if column.hidden else Shown.AUTO) for column in columns)


def named(columns: Sequence[Column[Any]], names: Sequence[str]) -> Layout:
    """Return the layout that shows the named columns in this order, and no other."""
    known = {column.name for column in columns}
    shown = [name for name in dict.fromkeys(names) if name in known]
    rest = [column.name for column in columns if column.name not in shown]
    return (*(Choice(name, Shown.ALWAYS) for name in shown), *(Choice(name, Shown.NEVER) for name in rest))


def arrange(columns: Sequence[Column[Row]], layout: Layout) -> list[Column[Row]]:
    """Return the chosen columns as they are to be placed; columns the layout does not know come last."""
    known = {column.name: column for column in columns}
    chosen = {choice.name: choice for choice in layout}
    order = [choice.name for choice in layout if choice.name in known]
    order += [name for name in known if name not in chosen]
    arranged = [_arranged(known[name], chosen.get(name, Choice(name))) for name in order]
    return [column for column in arranged if column is not None] or list(columns[:1])


def _arranged(column: Column[Row], choice: Choice) -> Column[Row] | None:
    if choice.shown is Shown.NEVER:
        return None
    if choice.shown is Shown.ALWAYS:
        column = replace(column, rank=0)
    if choice.width:
        column = replace(column, width=choice.width, flexible=False)
    return column


def to_plain(layout: Layout) -> list[list[Any]]:
    """Return the layout as JSON can hold it."""
    return [[choice.name, str(choice.shown), choice.width] for choice in layout]


def from_plain(kept: Any, columns: Sequence[Column[Any]]) -> Layout:
    """Return a kept layout; what makes no sense (another version, a file edited by hand) is left out."""
    found: dict[str, Choice] = {}
    for entry in kept if isinstance(kept, list) else ():
        choice = _choice(entry)
        if choice is not None and choice.name in {column.name for column in columns}:
            found[choice.name] = choice
    return (*found.values(), *(choice for choice in declared(columns) if choice.name not in found))


def _choice(entry: Any) -> Choice | None:
    match entry:
        case [str(name), str(shown), int(width)] if shown in set(Shown):
            return Choice(name, Shown(shown), max(NARROWEST, min(width, WIDEST)) if width else 0)
    return None


def widths(columns: Sequence[Column[Any]], layout: Layout) -> Mapping[str, int]:
    """Return the width of every column: the chosen one, else the declared one."""
    chosen = {choice.name: choice.width for choice in layout}
    return {column.name: chosen.get(column.name) or column.width for column in columns}


class LayoutStore(Protocol):
    """Where things are kept: see jobwarden.tui.config.state."""

    def get(self, view: str, key: str, default: Any) -> Any: ...
    def put(self, view: str, key: str, value: object) -> None: ...


class Memory:
    """Reads and writes for one view; without a place to keep things nothing is remembered."""

    def __init__(
        self, view: str = "", kept: LayoutStore | None = None, chosen: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._view = view
        self._kept = kept if view else None
        self._chosen = (chosen or {}).get(view, ())

    @classmethod
    def of(cls, table: Widget) -> "Memory":
        """Return the memory of a table: by its view, else by the name of its screen."""
        view = getattr(table, "view", None)
        if view is None:
            return cls()
        app = table.app
        preferences = getattr(app, "preferences", None)
        name = view or getattr(table.screen, "NAME", "")
        return cls(name, getattr(app, "state", None), getattr(preferences, "columns", None))

    def columns(self, columns: Sequence[Column[Any]]) -> Layout:
        """Return the columns as they were chosen on the screen, else as the preferences say, else as declared."""
        kept = self._kept.get(self._view, "columns", []) if self._kept is not None else []
        if kept:
            return from_plain(kept, columns)
        return named(columns, self._chosen) if self._chosen else declared(columns)

    def sort(self) -> Sort | None:
        """Return the order that was chosen, None when none was."""
        kept = self._kept.get(self._view, "sort", []) if self._kept is not None else []
        match kept:
            case [str(column), bool(descending)]:
                return Sort(column, descending)
        return None

    def keep_columns(self, layout: Layout) -> None:
        """Remember the columns."""
        if self._kept is not None:
            self._kept.put(self._view, "columns", to_plain(layout))

    def keep_sort(self, sort: Sort) -> None:
        """Remember the order."""
        if self._kept is not None:
            self._kept.put(self._view, "sort", [sort.column, sort.descending])

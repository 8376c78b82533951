"""What a table remembers across runs: its columns and its order, kept by the name of its view."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from textual.widget import Widget

from tui.widgets.table.columns import Column
from tui.widgets.table.layout import Layout, declared, from_plain, named, to_plain
from tui.widgets.table.rows import Sort


class Kept(Protocol):
    """Where things are kept: see tui.config.state."""

    def get(self, view: str, key: str, default: Any) -> Any: ...
    def put(self, view: str, key: str, value: object) -> None: ...


class Memory:
    """Reads and writes for one view; without a place to keep things nothing is remembered."""

    def __init__(
        self, view: str = "", kept: Kept | None = None, chosen: Mapping[str, Sequence[str]] | None = None
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

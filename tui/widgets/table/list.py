"""A table over a list that is held as a whole."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Generic, TypeVar

from jobwarden.tui.widgets.table.columns import Column
from jobwarden.tui.widgets.table.marks import BarStatus, Marks
from jobwarden.tui.widgets.table.rows import RowKey
from jobwarden.tui.widgets.table.virtual import VirtualTable

Row = TypeVar("Row")


class ListTable(VirtualTable[Row], Generic[Row]):
    """Marks what is listed, one by one: such a list has no filter that could stand for all of its rows."""

    def __init__(
        self, columns: Sequence[Column[Row]], clock: Callable[[], datetime], key: Callable[[Row], RowKey]
    ) -> None:
        super().__init__(columns, clock=clock, key=key)
        self.listed: tuple[Row, ...] = ()
        self.said_filter = ""
        """The filter that the rows were read by, for the line over the table."""

    @property
    def filter(self) -> str:
        """The filter of the list."""
        return self.said_filter

    def show_rows(self, rows: Sequence[Row], hidden: Collection[RowKey] | None = ()) -> None:  # type: ignore[override]
        """Show these rows; marks of rows that are gone go with them.

        ``hidden`` are the keys of rows that a filter hides, which keep their marks; None when nobody knows them.
        """
        self.listed = tuple(rows)
        super().show_rows(self.listed)
        if hidden is not None:
            self._unmark_all_but(self._listed_keys | set(hidden))

    def _unmark_all_but(self, there: frozenset[RowKey]) -> None:
        kept = self.marks.keys & there
        if kept != self.marks.keys:
            self.set_marks(Marks(kept))

    @property
    def _listed_keys(self) -> frozenset[RowKey]:
        return frozenset(self.key_of(row) for row in self.listed)

    def status(self) -> BarStatus:
        """Return what the line over the table says."""
        return replace(super().status(), hidden=len(self.marks.keys - self._listed_keys) if self.marks else 0)

    def action_mark_all(self) -> None:
        """Mark every row that is listed now."""
        self.set_marks(Marks(self._listed_keys))

    def marked_rows(self) -> tuple[Row, ...]:
        """Return the marked rows, else the one under the cursor, if any."""
        if self.marks:
            return tuple(row for row in self.listed if self.key_of(row) in self.marks)
        return () if self.selected is None else (self.selected,)

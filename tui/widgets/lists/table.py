"""A table over a list that is held as a whole."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from tui.widgets.table.columns import Column
from tui.widgets.table.marks import Marks
from tui.widgets.table.rows import RowKey
from tui.widgets.table.virtual import VirtualTable

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

    def show_rows(self, rows: Sequence[Row]) -> None:  # type: ignore[override]
        """Show these rows; marks of rows that are gone go with them."""
        self.listed = tuple(rows)
        super().show_rows(self.listed)
        kept = self.marks.keys & {self.key_of(row) for row in self.listed}
        if kept != self.marks.keys:
            self.set_marks(Marks(kept))

    def action_mark_all(self) -> None:
        """Mark every row that is listed now."""
        self.set_marks(Marks(frozenset(self.key_of(row) for row in self.listed)))

    def marked_rows(self) -> tuple[Row, ...]:
        """Return the marked rows, else the one under the cursor, if any."""
        if self.marks:
            return tuple(row for row in self.listed if self.key_of(row) in self.marks)
        return () if self.selected is None else (self.selected,)

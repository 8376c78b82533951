"""The window that chooses the column to order by."""

from collections.abc import Sequence
from typing import Any

from tui.pickers.picker import Picker
from tui.widgets.table.columns import Cell, Column
from tui.widgets.table.paint import ARROWS
from tui.widgets.table.rows import RowKey, Sort


class OrderPicker(Picker[Sort]):
    """Answers with the order; the column that orders already is turned round."""

    TITLE_TEXT = "Sort by"
    HINT = "Enter order by it, again to turn it round   Esc close"

    def __init__(self, columns: Sequence[Column[Any]], sort: Sort | None) -> None:
        self._sort = sort
        self._choices = [column for column in columns if column.orders]
        super().__init__()

    def columns(self) -> Sequence[Column[Any]]:
        """Return what is said of each column."""
        return (
            Column("now", "", 1, 0, lambda column, _: Cell(self._arrow(column))),
            Column("title", "COLUMN", 11, 0, lambda column, _: Cell(column.title)),
            Column("help", "", 30, 0, lambda column, _: Cell(column.help, "dim"), flexible=True, widest=60),
        )

    def _arrow(self, column: Column[Any]) -> str:
        now = self._sort
        return ARROWS[now.descending] if now is not None and now.column == column.name else ""

    def rows(self) -> Sequence[Column[Any]]:
        """Return the columns that can order."""
        return self._choices

    def first_choice(self) -> RowKey:
        """Begin at the column that orders now."""
        return "" if self._sort is None else self._sort.column

    def chosen(self) -> None:
        """Order by the column under the cursor."""
        column = self.table.selected
        if column is not None:
            same = self._sort is not None and self._sort.column == column.name
            self.dismiss(self._sort.reversed() if same and self._sort else Sort(column.name, column.downward))

"""The windows that choose columns (which, in what order, how wide) and the column to sort by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual.binding import BindingType

from jobwarden.tui.dialogs.picker import Picker
from jobwarden.tui.keys.bindings import CHOOSE_COLUMNS
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.widgets.table.columns import Cell, Column
from jobwarden.tui.widgets.table.layout import NARROWEST, WIDEST, Choice, Layout, Shown, declared, widths
from jobwarden.tui.widgets.table.paint import ARROWS
from jobwarden.tui.widgets.table.rows import RowKey, Sort

ChoiceChange = Callable[[Choice], Choice]
SHOWN = {Shown.AUTO: "◐ if room", Shown.ALWAYS: "● always", Shown.NEVER: "○ never"}

ROLES = {Shown.AUTO: "", Shown.ALWAYS: "good", Shown.NEVER: "dim"}


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    title: str
    help: str
    shown: Shown
    width: int
    chosen: bool
    """Whether the width was chosen by hand."""


class ColumnPicker(Picker[Layout]):
    """Answers with the layout; ``preview`` shows every step at once."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(CHOOSE_COLUMNS)
    TITLE_TEXT = "Columns"
    HINT = "Space show   J K move   + - width   r reset   Enter save   Esc cancel"
    COLUMNS: ClassVar[Sequence[Column[_Line]]] = (
        Column("title", "COLUMN", 11, 0, lambda line, _: Cell(line.title)),
        Column("shown", "SHOWN", 10, 0, lambda line, _: Cell(SHOWN[line.shown], ROLES[line.shown])),
        Column("width", "WIDTH", 6, 0, lambda line, _: Cell(str(line.width), "" if line.chosen else "dim"), right=True),
        Column("help", "", 20, 1, lambda line, _: Cell(line.help, "dim"), flexible=True, widest=60),
    )

    def __init__(self, columns: Sequence[Column[Any]], layout: Layout, preview: Callable[[Layout], None]) -> None:
        super().__init__()
        self._preview = preview
        self._columns = {column.name: column for column in columns}
        self.layout_now = layout

    def rows(self) -> Sequence[_Line]:
        """Return a line for each column, in the order shown."""
        wide = widths(list(self._columns.values()), self.layout_now)
        return [
            _Line(one.name, column.title, column.help, one.shown, wide[one.name], bool(one.width))
            for one in self.layout_now
            if (column := self._columns.get(one.name)) is not None
        ]

    def chosen(self) -> None:
        """Keep what was chosen."""
        self.dismiss(self.layout_now)

    def action_shown(self) -> None:
        """Show the column when there is room, always, never."""
        self._change(lambda choice: replace(choice, shown=choice.shown.next()))

    def action_widen(self, by: int) -> None:
        """Make the column wider."""
        wide = widths(list(self._columns.values()), self.layout_now)
        self._change(lambda choice: replace(choice, width=max(NARROWEST, min(wide[choice.name] + by, WIDEST))))

    def action_shift(self, by: int) -> None:
        """Move the column."""
        at = self._at()
        to = at + by
        if at >= 0 and 0 <= to < len(self.layout_now):
            order = list(self.layout_now)
            order[at], order[to] = order[to], order[at]
            self._show(tuple(order))

    def action_reset(self) -> None:
        """Go back to the columns as they are declared."""
        self._show(declared(list(self._columns.values())))

    def _at(self) -> int:
        selected = self.table.selected
        names = [choice.name for choice in self.layout_now]
        return names.index(selected.name) if selected is not None else -1

    def _change(self, change: ChoiceChange) -> None:
        at = self._at()
        if at >= 0:
            order = list(self.layout_now)
            order[at] = change(order[at])
            self._show(tuple(order))

    def _show(self, layout: Layout) -> None:
        """Show other choices here; the cursor stays on its column."""
        selected = self.table.selected
        self.layout_now = layout
        self._preview(layout)
        self.table.following = False
        self.fill()
        if selected is not None:
            self.cursor_to(selected.name)


# The window that chooses the column to sort by.


class OrderPicker(Picker[Sort]):
    """Answers with the order; choosing the sort column again reverses it."""

    TITLE_TEXT = "Sort by"
    HINT = "Enter sort by this column, again to reverse   Esc cancel"

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
        """Return the columns that can be sorted by."""
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

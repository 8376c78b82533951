"""A table of any number of rows: it holds a window of them and draws the lines that are on screen.

Rows come by ``apply`` (a stretch of a list that is read by somebody) or by ``show_rows`` (a list that is held as a
whole and sorted here). While the cursor moves the order stands still, and a pause holds back everything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer

from jobwarden.backend.queries.models.job_window import Hold
from jobwarden.tui.keys.bindings import MARK, TABLE
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.theme.states import ROLES
from jobwarden.tui.widgets.table.columns import Column, Moment, held_by, place
from jobwarden.tui.widgets.table.cursor import HEADER, Message_, id_of
from jobwarden.tui.widgets.table.layout import Layout, Memory, arrange, declared
from jobwarden.tui.widgets.table.marks import BarStatus, MarkingTable
from jobwarden.tui.widgets.table.paint import RowAppearance
from jobwarden.tui.widgets.table.rows import Lines, RowKey, Sort, StaticRows, hold_back, sort_rows

__all__ = ["HEADER", "VirtualTable"]

Row = TypeVar("Row")
MEASURED = 5_000
"""Rows of which is remembered that their widths are known."""
STILL_AFTER = 2.0
"""Seconds after the last move of the cursor for which the order stands still."""


class VirtualTable(MarkingTable[Row], Generic[Row]):
    """Draws rows by the declared columns; messages say what the user looks at and asks for.

    ``key`` gives what a row is known by (its ``id``). ``empty`` is what to say when there is no row.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(TABLE, MARK)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header", "table--cursor", "table--marked", *(f"table--{role}" for role in ROLES)
    }  # fmt: skip

    view: ClassVar[str | None] = ""
    """Under which name columns and order are kept; empty: the name of the screen, None: nowhere."""

    class Changed(Message, namespace="virtual_table"):
        """What the line over the table says has changed."""

        def __init__(self, status: BarStatus) -> None:
            super().__init__()
            self.status = status

    class Ordered(Message, namespace="virtual_table"):
        """The rows are wanted in another order."""

        def __init__(self, sort: Sort) -> None:
            super().__init__()
            self.sort = sort

    class ColumnsWanted(Message, namespace="virtual_table"):
        """Somebody wants to choose the columns of ``table``."""

        def __init__(self, table: "VirtualTable[Any]") -> None:
            super().__init__()
            self.table = table

    class OrderWanted(Message, namespace="virtual_table"):
        """Somebody wants to choose the column that ``table`` is sorted by."""

        def __init__(self, table: "VirtualTable[Any]") -> None:
            super().__init__()
            self.table = table

    class HoldWanted(Message, namespace="virtual_table"):
        """The list may show less, or again more, of what changes."""

        def __init__(self, hold: Hold) -> None:
            super().__init__()
            self.hold = hold

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        lines: Lines[Row] | None = None,
        clock: Callable[[], datetime] = datetime.now,
        *,
        key: Callable[[Row], RowKey] = id_of,
        empty: Message_ | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(lines if lines is not None else StaticRows[Row]((), key), clock, key, id=id)
        self.columns = tuple(columns)
        self.layout_of_columns: Layout = declared(columns)
        self.empty = empty or [("nothing here", "dim")]
        """What to say when there is no row."""
        self.flags: Mapping[Any, str] = {}
        self.waiting: Mapping[Any, str] = {}
        self.paused = False
        self.pending = 0
        """Changes that are held back."""
        self.stale = False
        self._rows: Sequence[Row] | None = None
        self._moving: Timer | None = None
        self._held = Hold.NONE
        self._status = BarStatus()
        self._held_cells: dict[str, int] = {}
        """Cells that each column needs for what it holds."""
        self._measured: dict[RowKey, tuple[Row, object]] = {}
        self.memory = Memory()

    def on_mount(self) -> None:
        """Show the columns and the order of the last time."""
        self.memory = Memory.of(self)
        self.layout_of_columns = self.memory.columns(self.columns)
        sort = self.memory.sort()
        if sort is not None and self._column(sort.column) is not None:
            self.order_by(sort)

    # rows ----------------------------------------------------------------------------------------------------------
    def show_rows(self, rows: Iterable[Row]) -> None:
        """Show a list that is held as a whole, in the order that was chosen, or as it comes."""
        self._rows = tuple(rows)
        newest = self._sorted(self._rows)
        shown = self._lines.rows if isinstance(self._lines, StaticRows) else newest
        held = hold_back(shown, newest, self.key_of, self.hold)
        self.pending = held.pending
        self.apply(StaticRows[Row](held.rows, self.key_of))

    def _sorted(self, rows: Sequence[Row]) -> Sequence[Row]:
        sort, column = self.sort, self._ordering()
        if sort is None or column is None or column.sort is None:
            return rows
        return sort_rows(rows, column.sort, descending=sort.descending)

    def flag(self, flags: Mapping[Any, str], waiting: Mapping[Any, str] | None = None) -> None:
        """Say which rows are flagged with what, and why rows wait."""
        waiting = self.waiting if waiting is None else waiting
        if (flags, waiting) != (self.flags, self.waiting):
            self.flags, self.waiting = flags, waiting
            self._measure()
            self.redraw()

    def mark_stale(self, stale: bool) -> None:
        """Say that the rows are old: their source is away."""
        self.stale = stale
        self.changed()

    # order and columns ---------------------------------------------------------------------------------------------
    def order_by(self, sort: Sort) -> None:
        """Order the rows by another column, from the top."""
        self.set_sort(sort)
        self.post_message(self.Ordered(sort))
        self.following = True
        self.forget_widths()
        if self._rows is not None:
            self.apply(StaticRows[Row](self._sorted(self._rows), self.key_of))
        self.refresh()
        self.changed()

    def set_sort(self, sort: Sort) -> None:
        """Remember by what the rows are ordered, without asking for them."""
        self.sort = sort
        self.memory.keep_sort(sort)

    def header_clicked(self, column: str) -> None:
        """Sort by the clicked column; a second click reverses the sort."""
        clicked = self._column(column)
        if clicked is not None and clicked.orders:
            same = self.sort is not None and self.sort.column == column
            self.order_by(self.sort.reversed() if same and self.sort else Sort(column, clicked.downward))

    def _column(self, name: str) -> Column[Row] | None:
        return next((column for column in self.columns if column.name == name), None)

    def _ordering(self) -> Column[Row] | None:
        return None if self.sort is None else self._column(self.sort.column)

    def show_columns(self, layout: Layout) -> None:
        """Show other columns, in another order or width."""
        self.layout_of_columns = layout
        self.memory.keep_columns(layout)
        self._place()
        self.refresh()

    def action_columns(self) -> None:
        """Choose columns."""
        self.post_message(self.ColumnsWanted(self))

    def action_order(self) -> None:
        """Choose the column to order by."""
        self.post_message(self.OrderWanted(self))

    def action_reverse(self) -> None:
        """Reverse the sort."""
        if self.sort is not None:
            self.order_by(self.sort.reversed())

    def on_resize(self) -> None:
        """Choose the columns anew."""
        self._place()
        self._resize_virtual()
        self._scroll_to_cursor()
        self._report()
        self.refresh()

    def _place(self) -> None:
        """Give the columns their widths, after those on the screen or its width have changed."""
        self.forget_widths()
        self._measure()

    def forget_widths(self) -> None:
        """Measure anew what the rows hold, as for another list."""
        self._held_cells, self._measured = {}, {}

    def apply(self, lines: Lines[Row]) -> None:
        """Show other rows, in columns that are wide enough for them."""
        super().apply(lines)
        self._measure()

    def _measure(self) -> None:
        """Make room for what the rows on the screen hold. A column never shrinks again while one looks at it."""
        moment, held = self.moment(), self._held_cells
        if len(self._measured) > MEASURED:
            self._measured.clear()
        for line in range(self.first_line, self.first_line + self.page):
            row = self._lines.row_at(line)
            if row is None or self._measured.get(key := self.key_of(row)) == (version := (row, self._said(key))):
                continue
            self._measured[key] = version
            for column in self.columns:
                held[column.name] = max(held.get(column.name, 0), held_by(column.cell(row, moment)))
        width = self.scrollable_content_region.width
        placed = place(arrange(self.columns, self.layout_of_columns), width, self._held_cells or None)
        if placed != self.painter.placed:
            self.painter.place(placed)
            self.refresh()

    # holding back --------------------------------------------------------------------------------------------------
    @property
    def hold(self) -> Hold:
        """How much of what changes is held back now."""
        if self.paused:
            return Hold.ALL
        return Hold.ORDER if self._moving is not None else Hold.NONE

    def action_pause(self) -> None:
        """Hold back all changes, or show them again."""
        self.paused = not self.paused
        self._hold_changed()

    def _set_cursor(self, line: int) -> None:
        if self._moving is not None:
            self._moving.reset()
        else:
            self._moving = self.set_timer(STILL_AFTER, self._stands_still)
            self._hold_changed()
        super()._set_cursor(line)

    def _stands_still(self) -> None:
        self._moving = None
        self._hold_changed()

    def _hold_changed(self) -> None:
        if self.hold is not self._held:
            self._held = self.hold
            self.post_message(self.HoldWanted(self.hold))
            if self._rows is not None:
                self.show_rows(self._rows)
        self.changed()

    # drawing -------------------------------------------------------------------------------------------------------
    def look(self, row: Row, line: int, now: datetime) -> RowAppearance[Row]:
        """Return what the line of a row depends on besides the row."""
        key = self.key_of(row)
        return RowAppearance(key, line == self.cursor_line, key in self.marks, self.tick(row, now), self._said(key))

    def _said(self, key: RowKey) -> tuple[str | None, str | None]:
        return self.flags.get(key), self.waiting.get(key)

    def moment(self) -> Moment:
        """Return what cells depend on besides their row."""
        return Moment(self._clock(), self.flags, self.waiting)

    def nothing(self) -> Message_:
        """Return what to say when there is no row."""
        return self.empty

    def changed(self) -> None:
        """Tell the screen when the line over the table must say something else."""
        status = self.status()
        if status != self._status:
            self._status = status
            self.post_message(self.Changed(status))

    def status(self) -> BarStatus:
        """Return what the line over the table says."""
        total = self._lines.total
        return BarStatus(
            filter=self.filter, sort=self._order_said(), marked=self.marks.count(total),
            everything=self.marks.everything, ranging=self.ranging, paused=self.paused, pending=self.pending,
            unseen=self.unseen, line=self.cursor_line, total=total, stale=self.stale,
        )  # fmt: skip

    def _order_said(self) -> str:
        column = self._ordering()
        return f"by {column.title.lower()}" if column is not None else ""

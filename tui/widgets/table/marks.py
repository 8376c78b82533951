"""Marked rows, which an action is for whatever the cursor does: their keys, or all that match a filter but some."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.message import Message

from jobwarden.tui.widgets.table.cursor import CursorTable
from jobwarden.tui.widgets.table.rows import RowKey

if TYPE_CHECKING:
    from jobwarden.backend.actions.targets import Scope


@dataclass(frozen=True, slots=True)
class Marks:
    """Which rows are marked. With ``everything`` all rows of the ``filter`` except ``keys``, else the ``keys``."""

    keys: frozenset[RowKey] = frozenset()
    everything: bool = False
    filter: str = ""

    def __contains__(self, key: object) -> bool:
        return (key in self.keys) is not self.everything

    def __bool__(self) -> bool:
        return self.everything or bool(self.keys)

    def count(self, total: int) -> int:
        """Return how many are marked of a list of ``total`` rows."""
        return max(0, total - len(self.keys)) if self.everything else len(self.keys)

    def toggled(self, key: RowKey) -> "Marks":
        """Return the marks with one row marked that was not, or the other way round."""
        return Marks(self.keys ^ {key}, self.everything, self.filter)

    def with_keys(self, keys: Iterable[RowKey]) -> "Marks":
        """Return the marks with these rows marked."""
        more = frozenset(keys)
        return Marks(self.keys - more if self.everything else self.keys | more, self.everything, self.filter)

    def scope_filter(self) -> str:
        """Return the filter that stands for the marked jobs when everything is marked.

        >>> Marks(frozenset({7, 5}), everything=True, filter="state:failed").scope_filter()
        'state:failed !id:5,7'
        """
        if not self.keys:
            return self.filter
        spared = ",".join(str(key) for key in sorted(self.keys, key=str))
        return f"{self.filter} !id:{spared}".strip()


@dataclass(frozen=True, slots=True)
class BarStatus:
    """What the line over a table says of it."""

    filter: str = ""
    sort: str = ""
    marked: int = 0
    everything: bool = False
    hidden: int = 0
    """Marked rows that a filter hides."""
    ranging: bool = False
    paused: bool = False
    pending: int = 0
    unseen: int = 0
    line: int = 0
    total: int = 0
    exact: bool = True
    """False while the line number is an estimate."""
    loaded: bool = True
    stale: bool = False
    reading: bool = False
    """Whether another list was asked for and has not come yet."""


# Marks: rows that an action is for, whatever the cursor does.

Row = TypeVar("Row")


class MarkingTable(CursorTable[Row], Generic[Row]):
    """A table in which rows can be marked: one, a range, all that match."""

    class Marked(Message, namespace="virtual_table"):
        """Other rows are marked than before."""

    marks = Marks()
    _range_from: tuple[int, Marks] | None = None

    @property
    def filter(self) -> str:
        """The filter of the list, which stands for all its rows."""
        return ""

    def target_keys(self) -> tuple[RowKey, ...]:
        """Return the keys of the marked rows, else of the row under the cursor; not for marks by a filter."""
        if self.marks.everything:
            raise ValueError("all rows are marked: the action uses the filter of the list")
        if self.marks:
            return tuple(sorted(self.marks.keys, key=self._order))
        return () if self.selected is None else (self.key_of(self.selected),)

    def targets(self) -> "Scope":
        """Return what an action is for: all that match, the marked jobs, or the one under the cursor."""
        from jobwarden.backend.actions.targets import Scope

        if self.marks.everything:
            return Scope(filter=self.marks.scope_filter())
        return Scope(tuple(int(key) for key in self.target_keys()))

    def set_marks(self, marks: Marks) -> None:
        """Mark other rows."""
        if marks != self.marks:
            self.marks = marks
            self.refresh()
            self.changed()
            self.post_message(self.Marked())

    def action_mark(self, lines: int = 1) -> None:
        """Mark the row under the cursor, or take its mark away, and go on; ends a range."""
        if self._range_from is not None:
            self._range_from = None
            self.changed()
        elif self.selected is not None:
            self.set_marks(self.marks.toggled(self.key_of(self.selected)))
            self.move(lines)

    def action_mark_moving(self, lines: int) -> None:
        """Mark the row under the cursor and the one it moves to."""
        for step in (0, lines):
            self.move(step)
            if self.selected is not None:
                self.set_marks(self.marks.with_keys([self.key_of(self.selected)]))

    def action_mark_range(self) -> None:
        """Begin a range at the cursor, which marks as it moves; the second time the range ends."""
        if self._range_from is None and self.selected is not None:
            self._range_from = (self.cursor_line, self.marks)
            self._mark_range(self.cursor_line)
        else:
            self._range_from = None
        self.changed()

    def action_mark_all(self) -> None:
        """Mark all rows that match the filter, also those that are not loaded and those still to come."""
        self._range_from = None
        self.set_marks(Marks(everything=True, filter=self.filter))

    def action_unmark(self) -> None:
        """Unmark all rows."""
        self._range_from = None
        self.set_marks(Marks())

    @property
    def ranging(self) -> bool:
        """Whether moving the cursor marks."""
        return self._range_from is not None

    def _set_cursor(self, line: int) -> None:
        super()._set_cursor(line)
        self._mark_range(line)

    def _mark_range(self, line: int) -> None:
        """Mark what lies between the begin of the range and the cursor; a range never marks what is not loaded."""
        if self._range_from is None:
            return
        began, before = self._range_from
        stretch = range(min(began, line), max(began, line) + 1)
        rows = [self._lines.row_at(number) for number in stretch]
        if None in rows:
            self._range_from = None
            self.set_marks(before)
            self.notify(
                "the range is too large: filter the list and mark all instead",
                severity="warning",
                markup=False,
            )
            return
        self.set_marks(before.with_keys(self.key_of(row) for row in rows if row is not None))

    def _shift(self, by: int) -> None:
        super()._shift(by)
        if self._range_from is not None:
            self._range_from = (self._range_from[0] + by, self._range_from[1])

    def _order(self, key: RowKey) -> tuple[bool, int, RowKey]:
        """Shown rows in the order shown, then the others."""
        line = self._lines.line_of(key)
        return (line is None, line or 0, key if line is None else 0)

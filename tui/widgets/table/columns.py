"""Columns of a virtual table, as data, and which of them fit into a width."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from rich.cells import cell_len, set_cell_size

from jobwarden.backend.harmless import dotted

Row = TypeVar("Row")
GAP = 1
"""Cells between two columns, and at both ends of a line."""
REASON_SHARE = 0.4
"""Of a line that the reason may take from columns that could be left out."""
EMPTY = 1000
"""Added to the rank of a column that holds nothing."""
NOTHING = "—· "
"""What a cell says that holds nothing."""
LONGEST_CELL = 1000
"""Characters of a cell that are looked at: more than any terminal is wide."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of one cell and its colour role ("" for plain)."""

    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a cell may depend on besides its row: the time, the anomaly of each job id, why each job id waits."""

    now: datetime
    flags: Mapping[Any, str] = field(default_factory=dict)
    waiting: Mapping[Any, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: ``width`` in cells, ``rank`` 0 is never dropped and higher ones go first when it is narrow.

    ``flexible`` columns take what is left over, each up to ``widest``. ``sort`` gives the value by which a list that is
    held as a whole is sorted (None sorts last); ``sortable`` says that the rows can be asked for in this order.
    """

    name: str
    title: str
    width: int
    rank: int
    cell: Callable[[Row, Moment], Cell]
    right: bool = False
    flexible: bool = False
    widest: int = 0
    sort: Callable[[Row], Any] | None = None
    sortable: bool = False
    downward: bool = False
    """Whether ordering by it begins with the greatest."""
    hidden: bool = False
    """Whether it is shown only when it was chosen."""
    reason: bool = False
    """Whether it says why: what it holds is worth more than another column."""
    help: str = ""
    """What the column shows, for the dialog that chooses columns."""

    @property
    def orders(self) -> bool:
        """Whether rows can be ordered by it."""
        return self.sortable or self.sort is not None


@dataclass(frozen=True, slots=True)
class Placed(Generic[Row]):
    """A column with the width it has got."""

    column: Column[Row]
    width: int


def place(columns: Sequence[Column[Row]], width: int, held: Mapping[str, int] | None = None) -> tuple[Placed[Row], ...]:
    """Choose the columns that fit into ``width`` cells, in their declared order, and share out what is left.

    ``held`` says how many cells the rows on the screen need in each column, None that nobody knows yet. The reason gets
    what it needs before columns of a higher rank, columns that hold nothing come last, and nothing grows beyond what it
    holds while another one lacks room.
    """
    shares = _Shares(width - GAP)
    reasons = [column for column in columns if column.reason]
    ranked = sorted(columns, key=lambda column: _rank(column, held))
    needed = [column for column in ranked if _rank(column, held) == 0]
    for column in needed:
        shares.add(column)
    for column in reasons:
        shares.grow(column, min(_need(column, held), int(width * REASON_SHARE)))
    for column in ranked:
        if _rank(column, held) < EMPTY and shares.has_room_for(column):
            shares.add(column)
    by_need = [*reasons, *(column for column in columns if not column.reason)]
    for column in by_need:
        shares.grow(column, _need(column, held))
    for column in ranked:
        if shares.has_room_for(column):
            shares.add(column)
    for column in by_need if held is not None else columns:
        shares.grow(column, column.widest)
    return tuple(Placed(column, shares.widths[column.name]) for column in columns if column.name in shares.widths)


class _Shares:
    """Who has got how many cells of a line, and how many are left."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.widths: dict[str, int] = {}

    def has_room_for(self, column: Column[Any]) -> bool:
        return column.name not in self.widths and column.width + GAP <= self.room

    def add(self, column: Column[Any]) -> None:
        self.widths[column.name] = column.width
        self.room -= column.width + GAP

    def grow(self, column: Column[Any], to: int) -> None:
        if column.flexible and column.name in self.widths:
            extra = max(0, min(to - self.widths[column.name], self.room))
            self.widths[column.name] += extra
            self.room -= extra


def _rank(column: Column[Any], held: Mapping[str, int] | None) -> int:
    """A reason that is given is as good as a column that is never dropped; what holds nothing comes after all."""
    if held is None or column.rank == 0:
        return column.rank
    if not held.get(column.name):
        return EMPTY + column.rank
    return 0 if column.reason else column.rank


def _need(column: Column[Any], held: Mapping[str, int] | None) -> int:
    """Cells in which nothing of the column is cut; its declared width while nobody knows."""
    if held is None:
        return column.width
    return max(column.width, min(held.get(column.name, 0), column.widest))


def held_by(cell: Cell) -> int:
    """Return the cells of the screen that a text needs, 0 for one that says nothing.

    >>> held_by(Cell("alpha")), held_by(Cell("—"))
    (5, 0)
    """
    text = cell.text[:LONGEST_CELL]
    return (len(text) if text.isascii() else cell_len(text)) if text.strip(NOTHING) else 0


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Fit text into exactly ``width`` cells; what is cut ends in an ellipsis. Wide characters count two cells.

    >>> fit("resnet", 4), fit("7", 3, right=True)
    ('res…', '  7')
    """
    text = dotted(text, LONGEST_CELL)
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    pad = " " * (width - length)
    return pad + text if right else text + pad

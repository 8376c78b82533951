"""Columns of a virtual table, as data, and which of them fit into a width."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from rich.cells import cell_len, set_cell_size

from backend.harmless import dotted

Row = TypeVar("Row")
GAP = 1
"""Cells between two columns, and at both ends of a line."""
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


def place(columns: Sequence[Column[Row]], width: int) -> tuple[Placed[Row], ...]:
    """Choose the columns that fit into ``width`` cells, in their declared order, and share out what is left."""
    chosen: set[str] = set()
    used = GAP
    for column in sorted(columns, key=lambda column: column.rank):
        if column.rank == 0 or used + column.width + GAP <= width:
            chosen.add(column.name)
            used += column.width + GAP
    spare = max(0, width - used)
    placed = []
    for column in columns:
        if column.name in chosen:
            extra = min(spare, column.widest - column.width) if column.flexible else 0
            spare -= extra
            placed.append(Placed(column, column.width + extra))
    return tuple(placed)


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

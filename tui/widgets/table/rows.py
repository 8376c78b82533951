"""The rows of a virtual table: what it asks of them, and lists small enough to be held as a whole."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from jobwarden.backend.queries.models.job_window import Hold

RowKey: TypeAlias = int | str
"""What a row is known by, whatever line it stands on."""
Row = TypeVar("Row")
RowT = TypeVar("RowT", covariant=True)


class Lines(Protocol[RowT]):
    """The stretch of rows that is loaded; ``total`` counts all, line numbers begin with 0."""

    @property
    def total(self) -> int: ...
    def row_at(self, line: int) -> RowT | None: ...
    def line_of(self, key: Any, /) -> int | None: ...


class StaticRows(Generic[Row]):
    """A list that is held as a whole."""

    def __init__(self, rows: Iterable[Row], key: Callable[[Row], RowKey]) -> None:
        self.rows = tuple(rows)
        self._lines = {key(row): line for line, row in enumerate(self.rows)}

    @property
    def total(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def row_at(self, line: int) -> Row | None:
        """Return the row on a line, None beyond the end."""
        return self.rows[line] if 0 <= line < len(self.rows) else None

    def line_of(self, key: RowKey) -> int | None:
        """Return the line of a row, None when it is not in the list."""
        return self._lines.get(key)


@dataclass(frozen=True, slots=True)
class Sort:
    """Which column orders the rows."""

    column: str
    descending: bool = False

    def reversed(self) -> "Sort":
        """Return the other direction."""
        return Sort(self.column, not self.descending)


@dataclass(frozen=True, slots=True)
class Held(Generic[Row]):
    """Rows to show, and how many changes of the newest ones are not among them."""

    rows: Sequence[Row]
    pending: int = 0


def sort_rows(rows: Iterable[Row], value: Callable[[Row], Any], *, descending: bool) -> list[Row]:
    """Sort by a value; rows without one (None) come last in either direction.

    >>> sort_rows([2, None, 3], lambda row: row, descending=True)
    [3, 2, None]
    """
    having: list[Row] = []
    lacking: list[Row] = []
    for row in rows:
        (lacking if value(row) is None else having).append(row)
    return sorted(having, key=value, reverse=descending) + lacking


def hold_back(shown: Sequence[Row], newest: Sequence[Row], key: Callable[[Row], RowKey], hold: Hold) -> Held[Row]:
    """Return what may be shown of ``newest`` instead of ``shown``."""
    if hold is Hold.NONE:
        return Held(newest)
    before = {key(row): row for row in shown}
    after = {key(row): row for row in newest}
    moved = len(before.keys() ^ after.keys())
    if hold is Hold.ORDER:
        return Held([after.get(key(row), row) for row in shown], moved)
    return Held(shown, moved + sum(before[known] != after[known] for known in before.keys() & after.keys()))

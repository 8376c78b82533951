"""Marked rows: their keys, or all that match a filter but some."""

from collections.abc import Iterable
from dataclasses import dataclass

from tui.widgets.table.rows import RowKey


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
class Status:
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

"""Draws the lines of a table: strips of styled text, kept as long as what they show stays the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from jobwarden.tui.widgets.table.columns import GAP, Moment, Placed, fit
from jobwarden.tui.widgets.table.rows import RowKey, Sort

Row = TypeVar("Row")
KEPT = 600
"""Strips that are kept: some screens."""
MARK = "◆"
"""Stands before a marked row."""
ARROWS = {False: "▲", True: "▼"}
"""Behind the title of the column that orders the rows: ascending, descending."""


@dataclass(frozen=True, slots=True)
class RowAppearance(Generic[Row]):
    """All that the line of a row depends on besides the row and the widths."""

    key: RowKey
    cursor: bool
    marked: bool
    tick: int
    extra: tuple[object, ...] = ()


@dataclass
class TableStyles:
    """Styles by their role, looked up once for each theme."""

    find: Callable[[str], Style]
    _known: dict[str, Style] = field(default_factory=dict)

    def __getitem__(self, role: str) -> Style:
        style = self._known.get(role)
        if style is None:
            style = self._known[role] = self.find(role)
        return style

    def clear(self) -> None:
        """Forget them, as for another theme."""
        self._known.clear()


class Painter(Generic[Row]):
    """Draws rows in the placed columns; ``palette`` gives ``base``, ``cursor``, ``header`` and the roles of cells."""

    def __init__(self, palette: TableStyles) -> None:
        self.palette = palette
        self.placed: tuple[Placed[Row], ...] = ()
        self._strips: dict[RowAppearance[Row], tuple[Row, Strip]] = {}
        self._header: tuple[Sort | None, int, Strip] | None = None

    def place(self, placed: tuple[Placed[Row], ...]) -> None:
        """Draw in other columns from now on."""
        self.placed = placed
        self._forget()

    def clear(self) -> None:
        """Draw all anew, as in another theme."""
        self.palette.clear()
        self._forget()

    def _forget(self) -> None:
        self._strips.clear()
        self._header = None

    def header(self, sort: Sort | None, width: int) -> Strip:
        """Draw the titles; an arrow stands behind the one that orders the rows."""
        if self._header is None or self._header[:2] != (sort, width):
            text = " " * GAP + (" " * GAP).join(_title(placed, sort) for placed in self.placed)
            self._header = (sort, width, Strip([Segment(text.ljust(width)[:width], self.palette["header"])], width))
        return self._header[2]

    def row(self, row: Row, look: RowAppearance[Row], moment: Moment, width: int) -> Strip:
        """Draw a row, or take the strip of the last time when nothing in it has changed."""
        kept = self._strips.get(look)
        if kept is not None and kept[1].cell_length == width and (kept[0] is row or kept[0] == row):
            return kept[1]
        strip = self._draw(row, look, moment, width)
        if len(self._strips) >= KEPT:
            self._strips.clear()
        self._strips[look] = (row, strip)
        return strip

    def _draw(self, row: Row, look: RowAppearance[Row], moment: Moment, width: int) -> Strip:
        base = self.palette["cursor"] if look.cursor else self.palette["base"]
        pieces = [self._mark(look, base)]
        for placed in self.placed:
            cell = placed.column.cell(row, moment)
            style = base if look.cursor or not cell.role else base + self.palette[cell.role]
            pieces += [(fit(cell.text, placed.width, right=placed.column.right), style), (" " * GAP, base)]
        used = sum(placed.width + GAP for placed in self.placed)
        pieces[-1] = (" " * (width - used), base)
        return Strip(_segments(pieces), max(used, width)).adjust_cell_length(width, base)

    def _mark(self, look: RowAppearance[Row], base: Style) -> tuple[str, Style]:
        if not look.marked:
            return " " * GAP, base
        return MARK, base if look.cursor else base + self.palette["marked"]


def _segments(pieces: Sequence[tuple[str, Style]]) -> list[Segment]:
    """Join neighbours of one style: everything after this, up to what the terminal reads, costs by the segment."""
    segments = []
    said, style = pieces[0]
    for text, other in pieces[1:]:
        if other is style or not text:
            said += text
        else:
            segments.append(Segment(said, style))
            said, style = text, other
    return [*segments, Segment(said, style)]


def message(lines: Sequence[tuple[str, str]], line: int, page: int, width: int, palette: TableStyles) -> Strip:
    """Draw one line of a message (texts with their roles) that stands in the upper half of an empty table."""
    index = line - max(0, (page - len(lines)) // 3)
    text, role = lines[index] if 0 <= index < len(lines) else ("", "dim")
    return Strip([Segment(text.center(width)[:width], palette["base"] + palette[role])], width)


def _title(placed: Placed[Any], sort: Sort | None) -> str:
    column = placed.column
    if sort is None or sort.column != column.name:
        return fit(column.title, placed.width, right=column.right)
    return fit(column.title[: placed.width - 1] + ARROWS[sort.descending], placed.width, right=column.right)


def column_at(placed: Sequence[Placed[Any]], x: int) -> str | None:
    """Return the name of the column at a cell of the line, None between and behind the columns."""
    left = GAP
    for place in placed:
        if left <= x < left + place.width:
            return place.column.name
        left += place.width + GAP
    return None

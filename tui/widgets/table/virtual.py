"""A table of any number of rows: it holds a window of them and draws the lines that are on screen.

The cursor belongs to a row's key, not to a line: rows that come and go above it move the list under the screen, not
the cursor over the list. While the cursor stands on the first row and nobody moved it, the table stays at the top
and shows what is new.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.keys.model import bindings
from tui.keys.table import TABLE
from tui.looks import ROLES
from tui.widgets.roles import role_style
from tui.widgets.table.columns import GAP, Column, Moment, Placed, fit, place

HEADER = 1
"""Lines of the table that do not scroll."""


class Keyed(Protocol):
    """A row: equal ``id`` and ``version`` mean an equal row."""

    @property
    def id(self) -> int: ...
    @property
    def version(self) -> int: ...


Row = TypeVar("Row", bound=Keyed)
RowT = TypeVar("RowT", bound=Keyed, covariant=True)


class Lines(Protocol[RowT]):
    """The stretch of rows that is loaded; ``total`` counts all, line numbers begin with 0."""

    @property
    def total(self) -> int: ...
    def row_at(self, line: int) -> RowT | None: ...
    def line_of(self, job_id: int) -> int | None: ...


class VirtualTable(ScrollView, Generic[Row], can_focus=True):
    """Draws rows by the declared columns. ``apply`` gives it new rows, messages say what the user looks at."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(TABLE)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor", *(f"table--{role}" for role in ROLES)}

    class Viewport(Message):
        """The lines ``first`` to ``last`` are on the screen now."""

        def __init__(self, first: int, last: int) -> None:
            super().__init__()
            self.first = first
            self.last = last

    class Selected(Message):
        """The cursor stands on another row, or on a newer version of the same."""

        def __init__(self, row: object) -> None:
            super().__init__()
            self.row = row

    class Opened(Message):
        """The row under the cursor is to be opened."""

    def __init__(
        self, columns: Sequence[Column[Row]], lines: Lines[Row], clock: Callable[[], datetime], *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._lines = lines
        self._clock = clock
        self._flags: dict[int, str] = {}
        self._placed: tuple[Placed[Row], ...] = ()
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(2000)
        self._viewport = (-1, -1)
        self.cursor_line = 0
        self.selected: Row | None = None
        self.following = True
        """Whether the table stays at the top to show what is new."""
        self.unseen = 0
        """Rows that came in above since the user left the top."""

    def on_mount(self) -> None:
        """Let the ages tick."""
        self.set_interval(1.0, self.refresh)

    def apply(self, lines: Lines[Row]) -> None:
        """Show other rows; the cursor stays on its row, and that row on its line of the screen."""
        anchor = self._anchor()
        self._lines = lines
        self._resize_virtual()
        if self.following:
            self._stay_on_top()
        elif anchor is not None and (line := lines.line_of(anchor[0])) is not None:
            self._shift(line - anchor[1])
        self._keep_selection()
        self.refresh()
        self._report()

    def restart(self) -> None:
        """Go to the top and forget the cursor, as for another filter."""
        self.selected = None
        self._go_top()

    def flag(self, flags: dict[int, str]) -> None:
        """Say which jobs are flagged with what."""
        if flags != self._flags:
            self._flags = flags
            self.refresh()

    def move(self, lines: int) -> None:
        """Move the cursor by so many lines."""
        self.move_to(self.cursor_line + lines)

    def move_to(self, line: int) -> None:
        """Put the cursor on a line, as far as there are any."""
        line = max(0, min(line, self._lines.total - 1))
        self.following = self.following and line == 0
        self._set_cursor(line)
        self._scroll_to_cursor()

    def _anchor(self) -> tuple[int, int] | None:
        """Key and line of the row that must not move: the cursor's, else the first on the screen."""
        if self.selected is not None and self._lines.line_of(self.selected.id) == self.cursor_line:
            return self.selected.id, self.cursor_line
        top = self._lines.row_at(self.first_line)
        return (top.id, self.first_line) if top is not None else None

    def _shift(self, by: int) -> None:
        if by:
            self.cursor_line += by
            self.unseen = max(0, self.unseen + by)
            self._scroll_y(self.first_line + by)

    def _stay_on_top(self) -> None:
        self.cursor_line = 0
        self.unseen = 0
        self._scroll_y(0)

    def _keep_selection(self) -> None:
        """Take the newest version of the selected row, or what took its line when it is gone."""
        self.cursor_line = max(0, min(self.cursor_line, self._lines.total - 1))
        row = self._lines.row_at(self.cursor_line)
        if row is None and self._lines.total:
            return
        if row != self.selected:
            self.selected = row
            self.post_message(self.Selected(row))

    def _set_cursor(self, line: int) -> None:
        self.cursor_line = line
        row = self._lines.row_at(line)
        if row is not None and row != self.selected:
            self.selected = row
            self.post_message(self.Selected(row))
        self.refresh()

    @property
    def first_line(self) -> int:
        """The first line on the screen."""
        return self.scroll_offset.y

    @property
    def page(self) -> int:
        """Rows that fit on the screen."""
        return max(1, self.size.height - HEADER)

    def _scroll_y(self, line: int) -> None:
        self.scroll_to(y=line, animate=False, force=True)

    def _scroll_to_cursor(self) -> None:
        if self.cursor_line < self.first_line:
            self._scroll_y(self.cursor_line)
        elif self.cursor_line >= self.first_line + self.page:
            self._scroll_y(self.cursor_line - self.page + 1)

    def _go_top(self) -> None:
        self.following = True
        self._stay_on_top()
        self._keep_selection()
        self.refresh()

    def action_cursor(self, lines: int) -> None:
        """Move the cursor."""
        self.move(lines)

    def action_page(self, pages: float) -> None:
        """Move the cursor by screens."""
        lines = round(self.page * pages)
        self._scroll_y(self.first_line + lines)
        self.move(lines)

    def action_top(self) -> None:
        """Go to the newest row and stay there."""
        self._go_top()

    def action_bottom(self) -> None:
        """Go to the oldest row."""
        self.move_to(self._lines.total - 1)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.selected is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        """Select the clicked row; a double click opens it."""
        line = self.first_line + event.y - HEADER
        if event.y >= HEADER and line < self._lines.total:
            self.move_to(line)
            self.following = False
            if event.chain == 2:
                self.action_open()

    def on_resize(self) -> None:
        """Choose the columns anew."""
        self._placed = place(self._columns, self.scrollable_content_region.width)
        self._strips.clear()
        self._resize_virtual()
        self._report()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Report the lines on the screen; leaving the top with the wheel ends following."""
        super().watch_scroll_y(old_value, new_value)
        if round(new_value) > 0 and self.cursor_line < new_value:
            self.following = False
        if round(new_value) == 0:
            self.unseen = 0
        self._report()

    def notify_style_update(self) -> None:
        """Draw all anew in another theme."""
        super().notify_style_update()
        self._strips.clear()

    def _resize_virtual(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, self._lines.total + HEADER)

    def _report(self) -> None:
        viewport = (self.first_line, self.first_line + self.page)
        if viewport != self._viewport and self.size.height:
            self._viewport = viewport
            self.post_message(self.Viewport(*viewport))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.scrollable_content_region.width
        if y < HEADER:
            return self._header(width)
        line = self.first_line + y - HEADER
        row = self._lines.row_at(line)
        if row is None:
            return self.blank(y - HEADER, width, loading=line < self._lines.total)
        return self._row(row, width, on_cursor=line == self.cursor_line)

    def blank(self, y: int, width: int, *, loading: bool) -> Strip:
        """Draw a line that has no row (yet); ``y`` counts from under the header."""
        return Strip(
            [Segment(("   …" if loading else "").ljust(width), self.get_component_rich_style("table--dim"))], width
        )

    def _header(self, width: int) -> Strip:
        style = self.get_component_rich_style("table--header")
        titles = (fit(place.column.title, place.width, right=place.column.right) for place in self._placed)
        text = " " * GAP + (" " * GAP).join(titles)
        return Strip([Segment(text.ljust(width)[:width], style)], width)

    def _row(self, row: Row, width: int, *, on_cursor: bool) -> Strip:
        now = self._clock()
        flag = self._flags.get(row.id)
        key = (row.id, row.version, row, flag, on_cursor, self.tick(row, now), width)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._draw(row, width, Moment(now, self._flags), on_cursor)
        return strip

    def tick(self, row: Row, now: datetime) -> int:
        """Return a number that changes when the row must be drawn anew for no reason but the time."""
        return int(now.timestamp())

    def _draw(self, row: Row, width: int, moment: Moment, on_cursor: bool) -> Strip:
        base = self.get_component_rich_style("table--cursor") if on_cursor else self.rich_style
        segments = [Segment(" " * GAP, base)]
        for placed in self._placed:
            cell = placed.column.cell(row, moment)
            text = fit(cell.text, placed.width, right=placed.column.right)
            segments += [Segment(text, self._style(cell.role, base, on_cursor)), Segment(" " * GAP, base)]
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, role: str, base: Style, on_cursor: bool) -> Style:
        if not role:
            return base
        style = role_style(self, f"table--{role}")
        return base if on_cursor else base + style

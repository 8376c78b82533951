"""A scrolling list of rows with a cursor that belongs to a row, drawn line by line.

The cursor belongs to a row's key, not to a line: rows that come and go above it move the list under the screen, not
the cursor over the list. While the cursor stands on the first row and nobody moved it, the table stays at the top
and shows what is new.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Generic, TypeVar

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from jobwarden.tui.theme.states import role_style
from jobwarden.tui.widgets.table.columns import Moment
from jobwarden.tui.widgets.table.paint import Painter, RowAppearance, TableStyles, column_at, message
from jobwarden.tui.widgets.table.rows import Lines, RowKey, Sort

HEADER = 1
"""Lines of the table that do not scroll."""
Row = TypeVar("Row")
Message_ = list[tuple[str, str]]
"""Lines of text with their colour roles."""


class CursorTable(ScrollView, Generic[Row], can_focus=True):
    """What every table has: rows, a cursor, a viewport. The messages are those of VirtualTable."""

    class Viewport(Message, namespace="virtual_table"):
        """The lines ``first`` to ``last`` are on the screen now."""

        def __init__(self, first: int, last: int) -> None:
            super().__init__()
            self.first = first
            self.last = last

    class Selected(Message, namespace="virtual_table"):
        """The cursor stands on another row, or on a newer version of the same."""

        def __init__(self, row: object) -> None:
            super().__init__()
            self.row = row

    class Opened(Message, namespace="virtual_table"):
        """The row under the cursor is to be opened."""

    def __init__(
        self,
        lines: Lines[Row],
        clock: Callable[[], datetime],
        key: Callable[[Row], RowKey],
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._lines = lines
        self._clock = clock
        self.key_of = key
        """Return the key of a row."""
        self.painter: Painter[Row] = Painter(TableStyles(self._style))
        self._viewport = (-1, -1)
        self._drawn: dict[int, Strip] = {}
        """What was drawn last on each line of the screen."""
        self.cursor_line = 0
        self.selected: Row | None = None
        self.following = True
        """Whether the table stays at the top to show what is new."""
        self.unseen = 0
        """Rows that came in above since the user left the top."""
        self.sort: Sort | None = None
        """What orders the rows."""

    def on_mount(self) -> None:
        """Let the ages tick."""
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.screen.is_current:
            self.redraw()

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
        self.redraw()
        self._report()

    def restart(self) -> None:
        """Go to the top and forget the cursor, as for another filter."""
        self.selected = None
        self._go_top()

    def changed(self) -> None:
        """Called when something that the line over the table says may have changed."""

    def move(self, lines: int) -> None:
        """Move the cursor by so many lines."""
        self.move_to(self.cursor_line + lines)

    def move_to(self, line: int) -> None:
        """Put the cursor on a line, as far as there are any."""
        line = max(0, min(line, self._lines.total - 1))
        self.following = self.following and line == 0
        self._set_cursor(line)
        self._scroll_to_cursor()

    def point_at(self, key: RowKey) -> None:
        """Put the cursor on a row, when it is among those that are known."""
        line = self._lines.line_of(key)
        if line is not None:
            self.move_to(line)

    def rows_on_screen(self) -> list[tuple[int, int, Row]]:
        """Return the rows that are drawn, each after its line within the table and its line of the list."""
        lines = range(self.first_line, min(self.first_line + self.page, self._lines.total))
        drawn = ((line - self.first_line + HEADER, line, self._lines.row_at(line)) for line in lines)
        return [(y, line, row) for y, line, row in drawn if row is not None]

    def _anchor(self) -> tuple[RowKey, int] | None:
        """Key and line of the row that must not move: the cursor's, else the first on the screen."""
        if self.selected is not None and self._lines.line_of(self.key_of(self.selected)) == self.cursor_line:
            return self.key_of(self.selected), self.cursor_line
        top = self._lines.row_at(self.first_line)
        return (self.key_of(top), self.first_line) if top is not None else None

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
        self._select(row)

    def _set_cursor(self, line: int) -> None:
        former, self.cursor_line = self.cursor_line, line
        row = self._lines.row_at(line)
        if row is not None:
            self._select(row)
        self._draw_lines(former, line)
        self.changed()

    def _draw_lines(self, *lines: int) -> None:
        """Draw only these lines anew: all that a step of the cursor changes on a list that does not scroll."""
        width = self.scrollable_content_region.width
        self.refresh(*(Region(0, line - self.first_line + HEADER, width, 1) for line in lines))

    def redraw(self) -> None:
        """Draw the lines anew that are to look different from when they were drawn."""
        strips = self._lines_of_screen(range(HEADER, self.size.height))
        before = self._drawn.get
        changed = [line for line, strip in strips if strip is not before(line) and strip != before(line)]
        if changed:
            width = self.scrollable_content_region.width
            self.refresh(*(Region(0, line, width, 1) for line in changed))

    def _select(self, row: Row | None) -> None:
        if row != self.selected:
            self.selected = row
            self.post_message(self.Selected(row))

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
        """Go to the first row and stay there."""
        self._go_top()

    def action_bottom(self) -> None:
        """Go to the last row."""
        self.move_to(self._lines.total - 1)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.selected is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        """Select the clicked row; a double click opens it; a title orders by its column."""
        line = self.first_line + event.y - HEADER
        if event.y < HEADER:
            column = column_at(self.painter.placed, event.x)
            if column is not None:
                self.header_clicked(column)
        elif line < self._lines.total:
            self.move_to(line)
            self.following = False
            if event.chain == 2:
                self.action_open()

    def header_clicked(self, column: str) -> None:
        """Called when a title was clicked."""

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
        self.painter.clear()

    def _resize_virtual(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, self._lines.total + HEADER)

    def _report(self) -> None:
        viewport = (self.first_line, self.first_line + self.page)
        if viewport != self._viewport and self.size.height:
            self._viewport = viewport
            self.post_message(self.Viewport(*viewport))
        self.changed()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw some lines of the screen.

        A table has neither border nor padding, so its strips are handed on as they are kept, and with them all that
        was computed from them for the terminal; Textual's own way would wrap them into new ones each time.
        """
        filters, background = self.get_line_filters(), self.background_colors[1]
        strips = []
        for y, strip in self._lines_of_screen(crop.line_range):
            self._drawn[y] = strip
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            strips.append(strip.crop(*crop.column_span))
        return strips

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        return next(strip for _, strip in self._lines_of_screen(range(y, y + 1)))

    def _lines_of_screen(self, lines: Iterable[int]) -> Iterator[tuple[int, Strip]]:
        width, moment = self.scrollable_content_region.width, self.moment()
        top = self.first_line - HEADER
        for y in lines:
            row = self._lines.row_at(top + y) if y >= HEADER else None
            if row is None:
                yield y, self._line_without_row(y, width)
            else:
                yield y, self.painter.row(row, self.look(row, top + y, moment.now), moment, width)

    def _line_without_row(self, y: int, width: int) -> Strip:
        if y < HEADER:
            return self.painter.header(self.sort, width)
        if self._lines.total:
            unread = self.first_line + y - HEADER < self._lines.total
            return message([("   …".ljust(width), "dim")] if unread else [], 0, 1, width, self.painter.palette)
        return message(self.nothing(), y - HEADER, self.page, width, self.painter.palette)

    def look(self, row: Row, line: int, now: datetime) -> RowAppearance[Row]:
        """Return what the line of a row depends on besides the row."""
        return RowAppearance(self.key_of(row), line == self.cursor_line, False, self.tick(row, now))

    def moment(self) -> Moment:
        """Return what cells depend on besides their row."""
        return Moment(self._clock())

    def tick(self, row: Row, now: datetime) -> int:
        """Return a number that changes when the row must be drawn anew for no reason but the time."""
        return int(now.timestamp())

    def nothing(self) -> Message_:
        """Return what to say when there is no row."""
        return [("nothing here", "dim")]

    def _style(self, role: str) -> Style:
        if role == "base":
            return self.rich_style
        if role in ("cursor", "header"):
            return self.get_component_rich_style(f"table--{role}")
        return role_style(self, f"table--{role}")


def id_of(row: Any) -> RowKey:
    """Return the key of a row that has an ``id``."""
    return row.id  # type: ignore[no-any-return]

"""The lines of a log: draws those on the screen, and knows where the viewer is."""

from bisect import bisect_left, bisect_right
from datetime import datetime
from itertools import accumulate

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from jobwarden.backend.logs.rows import LogRow
from jobwarden.backend.logs.view import LogView
from jobwarden.tui.theme.states import role_style
from jobwarden.tui.widgets.log.paint import LogStyles, cells_before, strips

EDGE = 120
"""Rows from the edge of what is loaded at which more is asked for."""
WHEEL = 3
"""Lines that one step of the mouse wheel moves."""
TIME_WIDTH = len("00:00:00 ")
BAR = "▐"

TextPosition = tuple[int, int]
"""Index of a line, and of the screen line within it when it is folded."""


class LogBody(Widget, can_focus=True):
    """Keeps its place by the offset of the first line, whatever is loaded above or below it."""

    COMPONENT_CLASSES = {  # noqa: RUF012 (as Textual declares it)
        "log--note", "log--gutter", "log--match", "log--current", "log--placeholder", "log--bar",
    }  # fmt: skip

    class Moved(Message):
        """The viewer is somewhere else, or sees something else there."""

    class Wanted(Message):
        """Rows around this offset are wanted."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

    class Pointed(Message):
        """Somebody clicked on the bar at this part of the log, from 0 to 1."""

        def __init__(self, part: float) -> None:
            super().__init__()
            self.part = part

    wrap = reactive(False)
    times = reactive(False)
    numbers = reactive(False)

    def __init__(self) -> None:
        super().__init__()
        self.view = LogView()
        self.following = True
        self.left = 0
        self.current: int | None = None
        """Offset of the line that was gone to."""
        self._starts: list[int] = []
        self._top: TextPosition = (0, 0)
        self._screen: list[TextPosition] = []
        self._goto: int | None = None
        self._to_match = False
        self._asked: LogView | None = None
        self._strips: LRUCache[tuple[object, ...], list[Strip]] = LRUCache(600)

    # --- what is shown

    def show(self, view: LogView, *, anew: bool) -> None:
        """Show the log as it is now; ``anew`` begins at its end."""
        anchor = self.first_offset
        self.view = view
        self._starts = [row.start for row in view.rows] if view.rows else list(range(len(view.lines)))
        if anew:
            self.following, self.current, self._goto, self.left = True, None, None, 0
            self._to_match = False
        elif not self.following:
            self._keep(anchor)
        if self._goto is not None:
            self._try_goto()
        self._arrange()

    def go(self, offset: int, *, match: bool = False) -> None:
        """Put the line at an offset, or the ``match`` in it, on the screen, a third from above, once it is loaded."""
        self._goto, self.following, self._to_match = offset, False, match
        self._try_goto()
        self._arrange()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following, self.current, self._goto = True, None, None
        self._arrange()

    def _keep(self, anchor: int) -> None:
        """Stay on the line that was the first."""
        index = max(0, bisect_right(self._starts, anchor) - 1)
        same = bool(self._starts) and self._starts[index] == anchor
        self._top = (index, self._top[1] if same else 0)

    def _try_goto(self) -> None:
        index = bisect_left(self._starts, self._goto or 0)
        if index >= len(self._starts):
            return
        self.current = self._starts[index]
        shown = {self._starts[line] for line, _ in self._screen if line < len(self._starts)}
        if self.current not in shown or self.following:
            self._top = self._moved((index, 0), -(self.size.height // 3))
        self._goto = None

    # --- where

    @property
    def first_offset(self) -> int:
        """Return the offset of the first line on the screen."""
        return self._starts[self._top[0]] if self._top[0] < len(self._starts) else self.view.skipped

    @property
    def first_row(self) -> LogRow | None:
        """Return what is known of the first line on the screen."""
        return self.view.rows[self._top[0]] if self._top[0] < len(self.view.rows) else None

    @property
    def last_row(self) -> LogRow | None:
        """Return what is known of the last line on the screen."""
        index = self._screen[-1][0] if self._screen else -1
        return self.view.rows[index] if 0 <= index < len(self.view.rows) else None

    @property
    def current_row(self) -> LogRow | None:
        """Return the line that was gone to, when it is on the screen."""
        shown = (self.view.rows[line] for line, _ in self._screen if line < len(self.view.rows))
        return next((row for row in shown if row.start == self.current), None)

    def move(self, lines: int) -> None:
        """Scroll by lines of the screen; up ends following, the end of the log begins it again."""
        before = self._top
        if self.following:
            self._top = self._bottom()
        self._top = self._moved(self._top, lines)
        at_end = self._top >= self._bottom() and (not self.view.rows or self.view.end >= self.view.size)
        if lines < 0 and self._top != before:
            self.following = False
        elif at_end:
            self.following = True
        self._arrange()

    def to_first(self) -> None:
        """Go to the first line that is loaded."""
        self._top, self.following = (0, 0), not self._starts
        self._arrange()

    def side(self, cells: int) -> None:
        """Scroll to the side, as far as the lines on the screen reach; following does not change it."""
        width = self._text_width
        widest = max((self._strips_of(line)[0].cell_length for line, _ in self._screen), default=0)
        self.left = 0 if self.wrap else max(0, min(self.left + cells, max(self.left, widest - width)))
        self.refresh()

    def _moved(self, position: TextPosition, lines: int) -> TextPosition:
        line, part = position
        part += lines
        while part < 0 and line > 0:
            line -= 1
            part += self._height(line)
        while line < len(self._starts) and part >= self._height(line):
            part -= self._height(line)
            line += 1
        return min(max((line, part), (0, 0)), self._bottom())

    def _bottom(self) -> TextPosition:
        """Return the position of the first line when the last one is at the bottom."""
        room, line = self.size.height, len(self._starts)
        while line > 0 and room > 0:
            line -= 1
            room -= self._height(line)
        return (line, -room) if room < 0 else (line, 0)

    def _height(self, line: int) -> int:
        return len(self._strips_of(line)) if self.wrap else 1

    def _arrange(self) -> None:
        """Find out which lines are on the screen, and ask for more when they are near the edge."""
        bottom = self._bottom()
        self._top = bottom if self.following else min(self._top, bottom)
        self._fill()
        if self._to_match and self._goto is None and self._show_match():
            self._fill()
        self._want(self._screen[-1][0] + 1 if self._screen else self._top[0])
        self.refresh()
        self.post_message(self.Moved())

    def _fill(self) -> None:
        self._screen = []
        line, part = self._top
        while line < len(self._starts) and len(self._screen) < self.size.height:
            self._screen += [(line, number) for number in range(part, self._height(line))]
            line, part = line + 1, 0
        del self._screen[self.size.height :]

    def _show_match(self) -> bool:
        """Bring the first match of the line that was gone to on the screen, once it is known; whether that scrolled."""
        index = bisect_left(self._starts, self.current or 0)
        row = self.view.rows[index] if index < len(self.view.rows) else None
        if row is None or row.start != self.current or row.marks is None:
            return False
        self._to_match = False
        if not row.marks:
            return False
        begin, end = (cells_before(row.text, place, begins=row.begins) for place in row.marks[0])
        if not self.wrap:
            width = self._text_width
            if begin < self.left or end > self.left + width:
                self.left = 0 if end <= width else max(0, begin - width // 3)
            return False
        parts = list(accumulate(strip.cell_length for strip in self._strips_of(index)))
        position = index, min(bisect_right(parts, begin), len(parts) - 1)
        if position in self._screen:
            return False
        self._top = self._moved(position, -(self.size.height // 3))
        return True

    def _want(self, below: int) -> None:
        view = self.view
        above_short = self._top[0] < EDGE and view.skipped > 0
        below_short = not self.following and below > len(self._starts) - EDGE and view.end < view.size
        if view.rows and self._asked is not view and ((above_short and not self.following) or below_short):
            self._asked = view
            self.post_message(self.Wanted(self.first_offset))

    def on_resize(self) -> None:
        """Fit into another size."""
        self._arrange()

    def watch_wrap(self) -> None:
        """Fold lines or not."""
        self.left = 0
        self._top = (self._top[0], 0)
        self._arrange()

    def watch_times(self) -> None:
        """Make room beside the lines."""
        self._arrange()

    def watch_numbers(self) -> None:
        """Make room beside the lines."""
        self._arrange()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll with the wheel."""
        event.stop()
        self.move(-WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll with the wheel."""
        event.stop()
        self.move(WHEEL)

    def on_click(self, event: events.Click) -> None:
        """Go where the bar was clicked."""
        if event.x == self.size.width - 1 and self.size.height > 1:
            self.post_message(self.Pointed(event.y / (self.size.height - 1)))

    # --- drawing

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.size.width
        base = self.rich_style
        if self.view.note or y >= len(self._screen):
            note = f" {self.view.note}" if y == 0 else ""
            return Strip([Segment(note, role_style(self, "log--note"))]).crop(0, width).extend_cell_length(width, base)
        line, part = self._screen[y]
        text = self._strips_of(line)[part].crop(self.left, self.left + self._text_width)
        strip = Strip.join([self._gutter(line, part), text]).adjust_cell_length(width - 1)
        if self.view.rows and self.view.rows[line].start == self.current:
            strip = strip.apply_style(Style(bgcolor=self.get_component_rich_style("log--current").bgcolor))
        return Strip.join([strip, self._bar(y)]).apply_style(base)

    @property
    def _text_width(self) -> int:
        return max(2, self.size.width - 1 - self._gutter_width)

    @property
    def _number_width(self) -> int:
        known = [row.number for row in self.view.rows[-1:] if row.number is not None]
        return len(f"{max([self.view.total or 0, *known]):,}") + 1

    @property
    def _gutter_width(self) -> int:
        return TIME_WIDTH * self.times + self._number_width * self.numbers

    def _gutter(self, line: int, part: int) -> Strip:
        row = self.view.rows[line] if line < len(self.view.rows) else None
        first = row if part == 0 else None
        text = ""
        if self.times:
            seen = first.seen if first is not None else None
            clock = datetime.fromtimestamp(seen).strftime("%H:%M:%S") if seen is not None else "·" if first else ""
            text += f"{clock:^8} "
        if self.numbers:
            number = first.number if first is not None and first.begins else None
            text += f"{'' if number is None else format(number, ','):>{self._number_width - 1}} "
        return Strip([Segment(text, role_style(self, "log--gutter"))] if text else [])

    def _bar(self, y: int) -> Strip:
        """Draw how much of the log is on the screen, and where, by bytes."""
        height, view = self.size.height, self.view
        first, last = self.first_row, self.last_row
        size = view.size if view.rows else len(view.lines)
        begin = first.start if first else self._top[0]
        end = last.end if last else self._top[0] + len(self._screen)
        if size <= 0 or (begin <= 0 and end >= size):
            return Strip([Segment(" ")])
        low = min(height - 1, int(begin / size * height))
        high = max(low + 1, round(end / size * height))
        return Strip([Segment(BAR if low <= y < high else " ", role_style(self, "log--bar"))])

    def _strips_of(self, line: int) -> list[Strip]:
        row = self.view.rows[line] if line < len(self.view.rows) else None
        marks = (row.marks or ()) if row is not None else ()
        begins = row is None or row.begins
        width = self._text_width if self.wrap else None
        key = (self.view.lines[line], marks, begins, width, self.app.theme)
        drawn = self._strips.get(key)
        if drawn is None:
            drawn = self._strips[key] = strips(self.view.lines[line], marks, self._palette(), width, begins=begins)
        return drawn

    def _palette(self) -> LogStyles:
        match = self.get_component_rich_style("log--match")
        return LogStyles(
            Style(color=match.color, bgcolor=match.bgcolor, bold=match.bold, reverse=match.reverse),
            role_style(self, "log--placeholder"),
        )

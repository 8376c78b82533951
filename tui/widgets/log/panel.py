"""The end of a log: follows it until the user scrolls up, goes on at the end."""

from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from backend.readmodel.logs import LogView
from tui.keys.log import LOG
from tui.keys.model import bindings


class LogPanel(ScrollView, can_focus=True):
    """Draws the lines of a LogView; long ones are scrolled to the side and stay so while it follows."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LOG)
    COMPONENT_CLASSES = {"log--note"}  # noqa: RUF012 (as Textual declares it)

    class Followed(Message):
        """Following began or ended, or lines came in while it did not follow."""

        def __init__(self, following: bool, unseen: int) -> None:
            super().__init__()
            self.following = following
            self.unseen = unseen

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view = LogView()
        self._strips: LRUCache[str, Strip] = LRUCache(2000)
        self._widest = 0
        self.following = True
        self.unseen = 0

    def show(self, view: LogView) -> None:
        """Show the log as it is now; another log, or one that was replaced, begins at its end."""
        other = (view.job_id, view.generation) != (self._view.job_id, self._view.generation)
        came = len(view.lines) - len(self._view.lines)
        self._view = view
        if other:
            self.following, self.unseen, self._widest = True, 0, 0
        elif not self.following:
            self.unseen += max(0, came)
        self._widest = max((self._widest, *(len(line) for line in view.lines[-500:])))
        self.virtual_size = Size(self._widest, len(view.lines))
        if self.following:
            self._to_end()
        self.post_message(self.Followed(self.following, self.unseen))
        self.refresh()

    def on_resize(self) -> None:
        """Stay at the end."""
        if self.following:
            self._to_end()

    def _to_end(self) -> None:
        self.scroll_to(
            y=max(0, self.virtual_size.height - self.scrollable_content_region.height), animate=False, force=True
        )

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling up ends following, reaching the end begins it again."""
        super().watch_scroll_y(old_value, new_value)
        at_end = round(new_value) >= self.max_scroll_y
        if at_end != self.following and (at_end or new_value < old_value):
            self.following = at_end
            self.unseen = 0 if at_end else self.unseen
            self.post_message(self.Followed(self.following, self.unseen))

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, force=True)

    def action_page(self, pages: float) -> None:
        """Scroll by screens."""
        self.action_scroll(round(self.scrollable_content_region.height * pages))

    def action_side(self, cells: int) -> None:
        """Scroll to the side."""
        self.scroll_to(x=self.scroll_offset.x + cells, animate=False, force=True)

    def action_top(self) -> None:
        """Go to the first line that is loaded."""
        self.scroll_to(y=0, animate=False, force=True)

    def action_bottom(self) -> None:
        """Go to the end and follow it."""
        self.following = True
        self._to_end()
        self.post_message(self.Followed(True, 0))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.scrollable_content_region.width
        left, top = self.scroll_offset
        index = top + y
        if self._view.note:
            note = self._view.note if y == 0 else ""
            return Strip([Segment(f" {note}".ljust(width)[:width], self.get_component_rich_style("log--note"))], width)
        if not self._view.job_id or index >= len(self._view.lines):
            return Strip.blank(width, self.rich_style)
        strip = self._line(self._view.lines[index]).crop(left, left + width)
        return strip.adjust_cell_length(width, self.rich_style).apply_style(self.rich_style)

    def _line(self, line: str) -> Strip:
        strip = self._strips.get(line)
        if strip is None:
            text = Text.from_ansi(line)
            strip = self._strips[line] = Strip(text.render(self.app.console), text.cell_len)
        return strip

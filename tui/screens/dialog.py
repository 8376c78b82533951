"""What the windows over a screen have in common: a body that scrolls and is no higher than its text."""

from typing import ClassVar, Generic, TypeVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from tui.keys.dialogs import DIALOG
from tui.keys.model import bindings
from tui.screens.window import Window

Answer = TypeVar("Answer")


class Dialog(Window[Answer], Generic[Answer]):
    """A window with a body called ``#body``; escape closes it with None."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(DIALOG)

    @property
    def body(self) -> VerticalScroll:
        """The part that scrolls."""
        return self.query_one("#body", VerticalScroll)

    def fit(self) -> None:
        """Give the body what its text takes, or what the rest of the window leaves it. A container's automatic height
        ignores what its children may have."""
        body, frame = self.body, self.query_one("#dialog")
        others = sum(_height(part) for part in frame.children if part is not body and part.display)
        around = frame.gutter.height + body.styles.margin.height
        body.styles.height = max(1, min(body.virtual_size.height, self.size.height * 96 // 100 - others - around))

    def readable(self) -> bool:
        """Whether the window is on the screen as a whole, with the beginning of its body."""
        return super().readable() and self.needed_lines() <= self.body.size.height

    def needed_lines(self) -> int:
        """Return how many lines of the body must be on the screen at once."""
        return 1

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def action_page(self, pages: int) -> None:
        """Scroll the body while a line to type into has the keys."""
        self.body.scroll_relative(y=pages * max(1, self.body.size.height - 1), animate=False)


def _height(part: Widget) -> int:
    return part.outer_size.height + part.styles.margin.height

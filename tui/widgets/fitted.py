"""Screens that know when they do not fit: what cannot be read takes no key that acts."""

from typing import Generic, TypeVar

from textual import events
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from jobwarden.tui.text import Text

SMALLEST = Size(40, 10)
"""Cells and lines of a terminal below which nothing but a notice is shown."""
LEAVING = ("q", "ctrl+q", "ctrl+c")
"""Keys that quit where only the notice is shown; escape goes on doing what it does."""

Answer = TypeVar("Answer")


def too_small(size: Size) -> str:
    """Return what a terminal of this size says instead of a screen; empty when it is large enough.

    >>> too_small(Size(30, 12)), too_small(SMALLEST)
    ('terminal too small: 30x12, at least 40x10 is needed; q quits', '')
    """
    if size.width >= SMALLEST.width and size.height >= SMALLEST.height:
        return ""
    needed = f"{SMALLEST.width}x{SMALLEST.height}"
    return f"terminal too small: {size.width}x{size.height}, at least {needed} is needed; q quits"


class CoverNotice(Static):
    """Lies over the whole screen while there is something to say."""

    def __init__(self) -> None:
        super().__init__("", id="notice")
        self.said = ""
        self.display = False

    def say(self, words: str) -> None:
        """Say this instead of all that is under it; nothing takes it away again."""
        if words != self.said:
            self.said = words
            self.display = bool(words)
            self.update(Text(words, style="bold"))


class Fitted(Screen[Answer], Generic[Answer]):
    """Covers itself when the terminal is too small for it."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-low"), (30, "-tall")]  # noqa: RUF012 (as Textual declares it)

    def __init__(self) -> None:
        super().__init__()
        self.notice = CoverNotice()

    def _extend_compose(self, widgets: list[Widget]) -> None:
        super()._extend_compose(widgets)
        widgets.append(self.notice)

    def on_resize(self, event: events.Resize) -> None:
        """Say when it is too small, and no longer when it is not."""
        self.notice.say(too_small(event.size))

    def takes(self, event: events.Event) -> bool:
        """Whether a key or a paste may have an effect here and now."""
        if not too_small(self.size):
            return True
        if isinstance(event, events.Key) and event.key in LEAVING:
            self.app.exit()
        return isinstance(event, events.Key) and event.key == "escape"

"""Windows over a screen: one that cannot be read as a whole takes no key that acts, nor one from before it was read."""

from time import monotonic
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from jobwarden.tui.keys.bindings import DIALOG
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.messages import on_screen
from jobwarden.tui.widgets.fitted import Fitted, too_small

# Windows over a screen: one that cannot be read as a whole takes no key that acts, nor one from before it was read.

UNREADABLE = "terminal too small: enlarge it or press Esc"
HARMLESS = ("close", "page", "help")
"""Actions of a window's keys that change nothing."""

Answer = TypeVar("Answer")


class Offer(Static):
    """What the keys of a window do: blank, in its place, until they do it. So whoever reads it is not refused."""

    stands: reactive[bool] = reactive(False)

    def render_line(self, y: int) -> Strip:
        """Draw a line of it."""
        return super().render_line(y) if self.stands else Strip.blank(self.size.width, self.rich_style)


class ModalWindow(Fitted[Answer], ModalScreen[Answer], Generic[Answer]):
    """Has all it says in ``#dialog``. A key that acts was read after that was drawn: who typed it has seen it."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn_at: float | None = None

    @property
    def drawn(self) -> bool:
        """Whether all that must be read is on the terminal since it has its present size."""
        return self._drawn_at is not None

    def on_mount(self) -> None:
        """Judge whatever is laid out anew."""
        self.screen_layout_refresh_signal.subscribe(self, lambda _: self._laid_out())

    def on_resize(self, event: events.Resize) -> None:
        """Draw it in its new size before it is believed to be readable."""
        self._note_drawn(None)

    def fit(self) -> None:
        """Give the parts their heights, once their text is laid out."""

    def must_show(self) -> list[Widget]:
        """Return the parts without which nobody knows what a key does."""
        return [part for part in self.query_one("#dialog").children if part.display]

    def readable(self) -> bool:
        """Whether those parts are on the screen as a whole, as they are laid out now."""
        if not on_screen(self) or too_small(self.size):
            return False
        places = [self.find_widget(part) for part in self.must_show()]
        return all(place.region.area and place.clip.contains_region(place.region) for place in places)

    def acts(self, key: events.Key) -> bool:
        """Whether a key may do more than move, type or close."""
        bound = self.active_bindings.get(key.key)
        own = bound is not None and bound.node is self and bound.binding.action.partition("(")[0] not in HARMLESS
        return key.key == "enter" or own

    def takes(self, event: events.Event) -> bool:
        """Only what is harmless, unless it was typed by somebody who could read what it does."""
        if not super().takes(event):
            return False
        if not isinstance(event, events.Key) or not self.acts(event):
            return True
        return self._drawn_at is not None and self._drawn_at <= event.time and self.readable()

    def _laid_out(self) -> None:
        if on_screen(self):
            self.fit()
            self.call_after_refresh(self._judge)

    def _judge(self) -> None:
        if not on_screen(self):
            return
        readable = self.readable()
        self.notice.say(too_small(self.size) or ("" if readable else UNREADABLE))
        if not readable:
            self._note_drawn(None)
        elif self._drawn_at is None:
            self._note_drawn(monotonic())

    def _note_drawn(self, at: float | None) -> None:
        """Keep since when all that must be read is on the terminal, in its present size; None: it is not."""
        self._drawn_at = at
        for offer in self.query(Offer).results(Offer):
            offer.stands = at is not None


class Dialog(ModalWindow[Answer], Generic[Answer]):
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

"""Jump mode: a letter on every part of the screen that can have the keys; typing it goes there."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

LETTERS = "asdfghjklqwertyuiopzxcvbnm"


def targets(screen: Screen[object]) -> list[Widget]:
    """Return the parts of a screen that can be jumped to, from top to bottom."""
    parts = [widget for widget in screen.focus_chain if widget.region.area]
    return sorted(parts, key=lambda widget: (widget.region.y, widget.region.x))[: len(LETTERS)]


class Jump(ModalScreen[Widget | None]):
    """Lies over a screen; any other key goes back."""

    def __init__(self, parts: Sequence[Widget]) -> None:
        super().__init__()
        self._parts = dict(zip(LETTERS, parts, strict=False))

    def compose(self) -> ComposeResult:
        """Put a letter on each part."""
        for letter, part in self._parts.items():
            label = Static(letter, classes="letter")
            label.styles.offset = Offset(part.region.x, part.region.y).clamped
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go where the letter is."""
        event.stop()
        event.prevent_default()
        self.dismiss(self._parts.get(event.character or ""))

    def on_click(self, event: events.Click) -> None:
        """Go back, or to the letter that was clicked."""
        at = next((part for part in self._parts.values() if part.region.offset == event.screen_offset), None)
        self.dismiss(at)

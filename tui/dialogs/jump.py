"""Jump mode: a letter on every row of the lists on the screen, and on its other parts; typing it goes there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from jobwarden.tui.messages import on_screen
from jobwarden.tui.widgets.table.cursor import CursorTable
from jobwarden.tui.widgets.table.rows import RowKey

LETTERS = "asdfghjklqwertyuiopzxcvbnmASDFGHJKLQWERTYUIOPZXCVBNM"


@dataclass(frozen=True, slots=True)
class JumpTarget:
    """A place on the screen, and what goes there."""

    place: Offset
    go: Callable[[], None]


def targets(screen: Screen[object]) -> list[JumpTarget]:
    """Return where one may go from where one is, from top to bottom, as many as there are letters; the parts of the
    screen before the rows of a long list."""
    parts = [part for part in screen.focus_chain if part.region.area]
    others = [part for part in parts if not part.has_focus and not _rows(part)]
    found = [JumpTarget(part.region.offset, partial(_go, part)) for part in others]
    found += [row for part in parts for row in _rows(part)]
    return sorted(found[: len(LETTERS)], key=lambda target: (target.place.y, target.place.x))


def _rows(part: Widget) -> list[JumpTarget]:
    """The rows of a list; where it has the keys, the one under the cursor is no place to go to."""
    if not isinstance(part, CursorTable):
        return []
    here = part.cursor_line if part.has_focus else None
    return [
        JumpTarget(Offset(part.region.x, part.region.y + y), partial(_go, part, part.key_of(row)))
        for y, line, row in part.rows_on_screen()
        if line != here
    ]


def _go(part: Widget, row: RowKey | None = None) -> None:
    if not on_screen(part):
        return
    part.focus()
    if row is not None and isinstance(part, CursorTable):
        part.point_at(row)


class Jump(ModalScreen[JumpTarget | None]):
    """Lies over a screen; any other key goes back."""

    def __init__(self, found: Sequence[JumpTarget]) -> None:
        super().__init__()
        self._found = dict(zip(LETTERS, found, strict=False))

    def compose(self) -> ComposeResult:
        """Put a letter on each place."""
        for letter, target in self._found.items():
            label = Static(letter, classes="letter")
            label.styles.offset = target.place.clamped
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go where the letter is."""
        event.stop()
        event.prevent_default()
        self.dismiss(self._found.get(event.character or ""))

    def on_click(self, event: events.Click) -> None:
        """Go back, or to the letter that was clicked."""
        at = next((target for target in self._found.values() if target.place == event.screen_offset), None)
        self.dismiss(at)

"""How far an action is, while it takes longer than a blink; escape stops it after what was begun."""

from threading import Event

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from backend.actions.records import Step
from tui.screens.dialog import Dialog
from tui.text import Text
from tui.widgets.header.gauge import bar
from tui.widgets.presence import on_screen

WIDTH = 40
"""Cells of the bar."""


class Progress(Dialog[None]):
    """Closed by the screen that acts, when it is done."""

    def __init__(self, label: str, stop: Event, step: Step) -> None:
        super().__init__()
        self._label = label
        self._stop = stop
        self._step = step
        self._how_far = Static("", id="question")
        self._words = Static("", id="words")
        self._way = Static("", id="way")

    def compose(self) -> ComposeResult:
        """Put the window together."""
        with Vertical(id="dialog"):
            yield self._how_far
            with VerticalScroll(id="body", can_focus=False):
                yield self._words
            yield self._way

    def on_mount(self) -> None:
        """Show how far it is already."""
        self._draw()

    def show(self, step: Step) -> None:
        """Show another step."""
        self._step = step
        if on_screen(self):
            self._draw()

    def _draw(self) -> None:
        step = self._step
        self._how_far.update(Text(progress_line(self._label, step), style="bold"))
        self._words.update(Text(step.words))
        stopping = "stopping after what was begun …" if self._stop.is_set() else "Esc stops it; what is done stays done"
        self._way.update(Text(stopping, style="dim"))

    def action_close(self) -> None:
        """Stop; the window stays until the work has."""
        self._stop.set()
        self.show(self._step)


def progress_line(label: str, step: Step) -> str:
    """Return ``clean up  ████····  3 of 25``."""
    return f"{label}  {bar(step.done, step.total, WIDTH)}  {step.done:,} of {step.total:,}"

"""How far an action is, while it takes longer than a blink; escape stops it after what was begun."""

from threading import Event

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from backend.actions.records import Step
from tui.screens.dialog import Dialog
from tui.widgets.facts.facts import plain
from tui.widgets.header.gauge import bar

WIDTH = 40
"""Cells of the bar."""


class Progress(Dialog[None]):
    """Closed by the screen that acts, when it is done."""

    def __init__(self, label: str, stop: Event, step: Step) -> None:
        super().__init__()
        self._label = label
        self._stop = stop
        self._step = step

    def compose(self) -> ComposeResult:
        """Put the window together."""
        with Vertical(id="dialog"):
            yield Static("", id="question")
            with VerticalScroll(id="body", can_focus=False):
                yield Static("", id="words")
            yield Static("", id="way")

    def on_mount(self) -> None:
        """Show how far it is already."""
        self._draw()

    def show(self, step: Step) -> None:
        """Show another step."""
        self._step = step
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        step = self._step
        self.query_one("#question", Static).update(Text(progress_line(self._label, step), style="bold"))
        self.query_one("#words", Static).update(Text(plain(step.words)))
        stopping = "stopping after what was begun …" if self._stop.is_set() else "Esc stops it; what is done stays done"
        self.query_one("#way", Static).update(Text(stopping, style="dim"))

    def action_close(self) -> None:
        """Stop; the window stays until the work has."""
        self._stop.set()
        self.show(self._step)


def progress_line(label: str, step: Step) -> str:
    """Return ``clean up  ████····  3 of 25``."""
    return f"{label}  {bar(step.done, step.total, WIDTH)}  {step.done:,} of {step.total:,}"

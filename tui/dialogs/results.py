"""How far an action is while it takes longer than a blink, and what it did to each job or node."""

from threading import Event
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from jobwarden.backend.actions.results import Step
from jobwarden.backend.domain.units import counted
from jobwarden.tui.actions.model import ActionReport, ItemOutcome, Question
from jobwarden.tui.dialogs.confirm import victims
from jobwarden.tui.dialogs.dialog import Dialog
from jobwarden.tui.keys.bindings import RESULTS
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.messages import on_screen
from jobwarden.tui.text import Text
from jobwarden.tui.widgets.header.render import bar

WIDTH = 40
"""Cells of the bar."""


class ProgressDialog(Dialog[None]):
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
        stopping = "stopping after the current step …" if self._stop.is_set() else "Esc stop; what is done stays done"
        self._way.update(Text(stopping, style="dim"))

    def action_close(self) -> None:
        """Stop; the window stays until the work has."""
        self._stop.set()
        self.show(self._step)


def progress_line(label: str, step: Step) -> str:
    """Return ``clean up  ████····  3 of 25``."""
    return f"{label}  {bar(step.done, step.total, WIDTH)}  {step.done:,} of {step.total:,}"


# What an action did to each job or node, or would do.

LISTED = 500
"""Results that are listed one by one; the failed ones come first."""
NAMED = 5
"""Of what was done only the first few are listed: it is as it was asked for."""


class ResultsDialog(Dialog[None]):
    """A list that any of its keys closes."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(RESULTS)

    def __init__(self, title: Text, lines: Text) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Put the list together."""
        with Vertical(id="dialog"):
            yield Static(self._title, id="question")
            with VerticalScroll(id="body"):
                yield Static(self._lines)
            yield Static(Text("Esc close", style="dim"))

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one("#body").focus()


def results_of(report: ActionReport) -> ResultsDialog:
    """Return the window that tells what was done."""
    return ResultsDialog(summary(report), result_lines(report))


def rehearsal_of(question: Question) -> ResultsDialog:
    """Return the window that tells what a dry run found."""
    title = f"Dry run of {question.label}: {counted(len(question.items), question.noun)}, nothing was changed"
    return ResultsDialog(Text(title, style="bold"), victims(question))


def summary(report: ActionReport) -> Text:
    """Return ``clean up: 3 done, 0 refused``, and where it is so ``2 had nothing to do``."""
    done, idle, refused = _sorted(report)
    parts = [f"{len(done):,} done", f"{len(refused):,} refused"]
    parts += [f"{len(idle):,} had nothing to do"] if idle else []
    return Text(f"{report.label}: {', '.join(parts)}", style="bold")


def result_lines(report: ActionReport) -> Text:
    """Return a line for each item that was refused, then those that had nothing to do, and the first few done."""
    done, idle, refused = _sorted(report)
    ordered = [*refused, *idle, *done[:NAMED]][:LISTED]
    lines = []
    for outcome in ordered:
        glyph = ("✓" if outcome.changed else "·") if outcome.ok else "✗"
        key = (f"{glyph} {outcome.key}", "" if outcome.ok else "bold")
        lines.append(Text.assemble(key, f"  {outcome.message}"))
    if len(report.outcomes) > len(ordered):
        lines.append(Text(f"… and {len(report.outcomes) - len(ordered):,} more"))
    return Text("\n").join(lines)


def _sorted(report: ActionReport) -> tuple[list[ItemOutcome], list[ItemOutcome], list[ItemOutcome]]:
    """What was done, what had nothing to do, and what was refused."""
    ok = [outcome for outcome in report.outcomes if outcome.ok]
    return (
        [outcome for outcome in ok if outcome.changed],
        [outcome for outcome in ok if not outcome.changed],
        [outcome for outcome in report.outcomes if not outcome.ok],
    )

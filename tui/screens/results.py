"""What an action did to each job or node, or would do."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tui.acting.records import Outcome, Question, Report
from tui.keys.dialogs import RESULTS
from tui.keys.model import bindings
from tui.panes.question import counted, victims
from tui.screens.dialog import Dialog
from tui.text import Text

LISTED = 500
"""Results that are listed one by one; the failed ones come first."""
NAMED = 5
"""Of what was done only the first few are listed: it is as it was asked for."""


class Results(Dialog[None]):
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


def results_of(report: Report) -> Results:
    """Return the window that tells what was done."""
    return Results(summary(report), result_lines(report))


def rehearsal_of(question: Question) -> Results:
    """Return the window that tells what a dry run found."""
    title = f"Dry run of {question.label}: {counted(len(question.items), question.noun)}, nothing was written"
    return Results(Text(title, style="bold"), victims(question))


def summary(report: Report) -> Text:
    """Return ``clean up: 3 done, 0 refused``, and where it is so ``2 had nothing to do``."""
    done, idle, refused = _sorted(report)
    parts = [f"{len(done):,} done", f"{len(refused):,} refused"]
    parts += [f"{len(idle):,} had nothing to do"] if idle else []
    return Text(f"{report.label}: {', '.join(parts)}", style="bold")


def result_lines(report: Report) -> Text:
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


def _sorted(report: Report) -> tuple[list[Outcome], list[Outcome], list[Outcome]]:
    """What was done, what had nothing to do, and what was refused."""
    ok = [outcome for outcome in report.outcomes if outcome.ok]
    return (
        [outcome for outcome in ok if outcome.changed],
        [outcome for outcome in ok if not outcome.changed],
        [outcome for outcome in report.outcomes if not outcome.ok],
    )

"""The question before an action: who is the victim, what happens to it, and why you do it."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from tui.acting.records import Answer, Question
from tui.keys.dialogs import CONFIRM
from tui.keys.model import bindings
from tui.panes.question import first_victim, gist, hanging, heading, leaving, other_victims
from tui.screens.dialog import Dialog
from tui.screens.window import Offer
from tui.text import Text
from tui.widgets.presence import on_screen

WIDTH, AROUND = 90, 6
"""Cells of the window at most (styles/dialogs.tcss), and of what is around its text."""
ROOMY = 20
"""Lines of the terminal from which on broken lines may go on further in: that takes more of them."""
TYPED_ABOVE = 20
"""Targets above which their number must be typed."""
LARGEST = 2**31 - 1
"""Numbers go up to this, and down to one less than its negative."""


def expected(question: Question) -> str:
    """Return what must be typed before it is done: a word, the number of many targets, both, or nothing."""
    number = len(question.items)
    said = (question.word if number else "", str(number) if number > TYPED_ABOVE else "")
    return " ".join(part for part in said if part)


class Confirm(Dialog[Answer | None]):
    """Answers with what was typed to go on, with None to leave all as it is. Nothing is written by it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(CONFIRM)

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question
        self._expected = expected(question)

    def compose(self) -> ComposeResult:
        """Put the question together."""
        with Vertical(id="dialog"):
            yield Static(heading(self._question), id="question")
            with VerticalScroll(id="body", can_focus=False):
                for name, text in self._texts().items():
                    yield Static(text, id=name)
            yield from self._lines()
            yield Offer(self._way(), id="way")

    def _texts(self) -> dict[str, Text]:
        width = min(WIDTH, self.app.size.width * 96 // 100) - AROUND
        parts = {"gist": gist, "first": first_victim, "others": other_victims}
        texts = {name: part(self._question) for name, part in parts.items()}
        if self.app.size.height < ROOMY:
            return texts
        return {name: hanging(text, width) for name, text in texts.items()}

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines anew."""
        super().on_resize(event)
        if not on_screen(self):
            return
        for name, text in self._texts().items():
            self.query_one(f"#{name}", Static).update(text)

    def _lines(self) -> ComposeResult:
        number = len(self._question.items)
        if self._expected:
            yield Input(placeholder=f"type {self._expected} to go on", id="typed", compact=True)
        if number and self._question.takes:
            yield Input(placeholder=f"new {self._question.takes}, for example 50", id="value", compact=True)
        if number:
            yield Input(placeholder="reason, for the audit (may stay empty)", id="reason", compact=True)

    def _way(self) -> Text:
        acts = (("⏎", self._question.label), ("^t", "dry run"), ("PgUp PgDn", "scroll")) if self._question.items else ()
        force = (("^o", "force…"),) if self._question.forced else ()
        keys = (*acts, *force, ("Esc", leaving(self._question)))
        return Text("   ").join(Text.assemble((key, "bold"), f" {what}") for key, what in keys)

    def needed_lines(self) -> int:
        """What happens, and the first who it happens to."""
        first = self.query_one("#first").virtual_region
        known = first.area or not self._question.items
        return first.bottom if known else self.size.height

    def on_mount(self) -> None:
        """Begin at the first line to type into."""
        for line in self.query(Input).results(Input):
            line.focus()
            break

    def action_dry_run(self) -> None:
        """Look once more, and write nothing."""
        if self._question.items:
            self.dismiss(Answer(dry=True))

    def action_force(self) -> None:
        """Ask again, about those too that only evidence protects."""
        if self._question.forced:
            self.dismiss(Answer(force=True))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on when the number of victims and the number to set are right."""
        event.stop()
        if self._typed("typed").replace(",", "") != self._expected:
            self._complain("typed", f"type {self._expected} in this line, or Esc")
            return
        value = self._value()
        if value is None and self._question.takes:
            self._complain("value", f"the {self._question.takes} is a whole number, as 50 or -10")
            return
        self.dismiss(Answer(self._typed("reason"), value))

    def _typed(self, line: str) -> str:
        return next((found.value.strip() for found in self.query(f"#{line}").results(Input)), "")

    def _value(self) -> int | None:
        typed = self._typed("value")
        try:
            value = int(typed)
        except ValueError:
            return None
        return value if -LARGEST - 1 <= value <= LARGEST else None

    def _complain(self, line: str, words: str) -> None:
        self.query_one(f"#{line}", Input).focus()
        self.query_one("#way", Static).update(Text(words, style="bold"))

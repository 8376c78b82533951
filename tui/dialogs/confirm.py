"""The question before an action: who is the victim, what happens to it, and why you do it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from jobwarden.backend.actions.catalog import TYPED_ABOVE
from jobwarden.backend.domain.units import counted
from jobwarden.tui.actions.model import Answer, Item, Question
from jobwarden.tui.dialogs.dialog import Dialog, Offer
from jobwarden.tui.keys.bindings import CONFIRM
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.messages import on_screen
from jobwarden.tui.text import Text

# What a question before an action says.

LISTED = 200
"""Victims that are listed one by one."""
GROUPED_ABOVE = 6
"""Victims above which the window begins with how many of which kind there are."""
NAMED = 12
"""Keys that are named with a reason that several share."""


def heading(question: Question) -> Text:
    """Return ``Kill 1 job?`` or ``Set the priority of 1 job?``, with the number that is left alone."""
    number, left = len(question.items), len(question.left_alone)
    label = question.label.capitalize()
    if not number:
        return Text(f"{label}: nothing to do", style="bold")
    label = f"Set the {question.takes} of" if question.takes else label
    text = Text(f"{label} {counted(number, question.noun)}?", style="bold")
    return text.append(f"   {left:,} left alone", style="not bold dim") if left else text


def leaving(question: Question) -> str:
    """Return what Esc does: the usual word, unless the question is about cancelling something itself.

    >>> item = Item("7", "train", happens="TERM, 30s later KILL; becomes CANCELLED")
    >>> leaving(Question("kill", "job", (Item("7", "train"),))), leaving(Question("cancel", "job", (item,)))
    ('cancel', 'go back')
    >>> leaving(Question("clean up", "job", (item,))), leaving(Question("kill", "job"))
    ('go back', 'close')
    """
    if not question.items and not question.forced:
        return "close"
    said = (question.label, *question.instead, *(item.happens for item in question.items))
    return "go back" if any("cancel" in words.lower() for words in said) else "cancel"


def victims(question: Question) -> Text:
    """Return what happens to all alike or the groups, who it hits, and who is left alone with the reason."""
    parts = (gist(question), first_victim(question), other_victims(question))
    return Text("\n").join(part for part in parts if part.plain)


def gist(question: Question) -> Text:
    """Return what happens to all alike, or the groups of many, and what would do less harm."""
    alike = happens_to_all(question.items)
    lines = [Text.assemble((f"{'each':>7}", "bold"), f"  {alike}")] if alike else []
    if len(question.items) > GROUPED_ABOVE:
        lines += [*([] if alike else groups(question.items)), *where(question.items)]
    lines += [Text(line, style="bold") for line in question.instead]
    return Text("\n").join([*lines, Text(" ")] if lines else [])


def first_victim(question: Question) -> Text:
    """Return the first who it hits."""
    alike = happens_to_all(question.items)
    return Text("\n").join(line for item in question.items[:1] for line in item_lines(item, alike))


def other_victims(question: Question) -> Text:
    """Return the others who it hits, and who is left alone with the reason."""
    alike = happens_to_all(question.items)
    lines = [line for item in question.items[1:LISTED] for line in item_lines(item, alike)]
    if len(question.items) > LISTED:
        lines.append(Text(f"… and {len(question.items) - LISTED:,} more"))
    return Text("\n").join([*lines, *left_alone(question)])


def happens_to_all(items: Sequence[Item]) -> str:
    """Return what happens to several, when it is the same for each, so that it is said once; else nothing."""
    happens = {item.happens for item in items}
    return happens.pop() if len(items) > 1 and len(happens) == 1 else ""


def groups(items: Sequence[Item]) -> list[Text]:
    """Return one line for each thing that happens."""
    happens = Counter(item.happens.partition(" (")[0] for item in items)
    return [Text.assemble((f"{number:>7,}", "bold"), f"  {what}") for what, number in happens.most_common()]


def where(items: Sequence[Item]) -> list[Text]:
    """Return a line with the nodes, when there are any."""
    nodes = Counter(item.where.partition("  ")[0].removeprefix("on ") for item in items if item.where.startswith("on "))
    if not nodes:
        return []
    said = ", ".join(f"{node} {number:,}" for node, number in nodes.most_common(6))
    return [Text(f"         on {said}{' and more' if len(nodes) > 6 else ''}", style="dim")]


def item_lines(item: Item, said: str = "") -> list[Text]:
    """Return a victim in up to three lines: who, where and pid; its command line; what happens, unless it was said."""
    lines = [Text.assemble((f"{item.key}  {item.name}", "bold"), f"  {item.where}")]
    if item.command:
        lines.append(Text(f"  $ {item.command}"))
    return lines if item.happens == said else [*lines, Text(f"  {item.happens}", style="dim")]


def left_alone(question: Question) -> list[Text]:
    """Return the reasons, each with who it is about."""
    if not question.left_alone:
        return []
    reasons: dict[str, list[str]] = {}
    for key, reason in question.left_alone:
        reasons.setdefault(reason, []).append(key)
    lines = [Text(f"left alone: {counted(len(question.left_alone), question.noun)}", style="bold")]
    for reason, keys in sorted(reasons.items(), key=lambda pair: -len(pair[1])):
        named = ", ".join(keys[:NAMED]) + (f" and {len(keys) - NAMED:,} more" if len(keys) > NAMED else "")
        lines.append(Text(f"  {named}  {reason}", style="dim"))
    return lines if not question.items else [Text(""), *lines]


def hanging(text: Text, width: int) -> Text:
    """Return the text with its lines broken at ``width`` cells, the rest of each further in than its beginning."""
    return Text("\n").join(row for line in text.split("\n", allow_blank=True) for row in _hung(line, width))


def _hung(line: Any, width: int) -> list[Any]:
    indent = len(line.plain) - len(line.plain.lstrip()) + 2
    rows, rest, room = [], line, width
    while rest.cell_len > room > 0:
        space = rest.plain.rfind(" ", 1, room + 1)
        cut = space if space > 0 else room
        rows.append(rest[:cut])
        rest = rest[cut + (space > 0) :]
        room = width - indent
    rows.append(rest)
    return [rows[0], *(Text(" " * indent).append_text(row) for row in rows[1:])]


WIDTH, AROUND = 90, 6
"""Cells of the window at most (styles/dialogs.tcss), and of what is around its text."""
ROOMY = 20
"""Lines of the terminal from which on broken lines may go on further in: that takes more of them."""
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
            yield Input(placeholder=f"type {self._expected} to confirm", id="typed", compact=True)
        if number and self._question.takes:
            yield Input(placeholder=f"new {self._question.takes}, for example 50", id="value", compact=True)
        if number:
            yield Input(placeholder="reason for the audit (optional)", id="reason", compact=True)

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
            self._complain("typed", f"type {self._expected} on this line, or press Esc")
            return
        value = self._value()
        if value is None and self._question.takes:
            self._complain("value", f"the {self._question.takes} must be a whole number, such as 50 or -10")
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

"""The line to type a filter into, with suggestions and what was typed before."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Static

from jobwarden.backend.domain.filters.completion import Completion, Grammar, Option, complete
from jobwarden.backend.domain.filters.jobs import FilterError
from jobwarden.backend.errors import InputError
from jobwarden.tui.config.state import History
from jobwarden.tui.keys.bindings import PROMPT
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import badge_style, role_style

# The line that offers what can stand at the cursor.


class Suggestions(Static):
    """Shows options, one of them marked, with what it means."""

    COMPONENT_CLASSES = {"suggestions--marked", "suggestions--help"}  # noqa: RUF012 (as Textual declares it)

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._completion = Completion(0, 0)
        self._marked = 0

    @property
    def completion(self) -> Completion:
        """What is offered."""
        return self._completion

    @property
    def option(self) -> Option | None:
        """The marked option, None when there is none."""
        options = self._completion.options
        return options[self._marked] if options else None

    def offer(self, completion: Completion) -> None:
        """Offer other options, the first one marked."""
        self._completion = completion
        self._marked = 0
        self._draw()

    def step(self, by: int) -> None:
        """Mark another option, in a circle."""
        if self._completion.options:
            self._marked = (self._marked + by) % len(self._completion.options)
            self._draw()

    def on_resize(self) -> None:
        """Fit into another width."""
        self._draw()

    def _draw(self) -> None:
        marked = str(badge_style(self, "suggestions--marked"))
        said = str(role_style(self, "suggestions--help"))
        self.update(suggestion_line(self._completion, self._marked, self.size.width or 80, marked, said), layout=False)


def suggestion_line(completion: Completion, marked: int, width: int, style: str, help_style: str) -> Text:
    """Return the options that fit into the width around the marked one, then what it means."""
    if not completion.options:
        return Text(f"   {completion.hint}", style=help_style, no_wrap=True, overflow="ellipsis")
    meaning = completion.options[marked].help
    room = max(20, width - len(meaning) - 8)
    line = Text("   ", no_wrap=True, overflow="ellipsis")
    for index in range(_first(completion.options, marked, room), len(completion.options)):
        option = completion.options[index]
        if line.cell_len + len(option.text) + 2 > room:
            line.append("… ", style=help_style)
            break
        line.append(f" {option.text} ", style=style if index == marked else "")
    return line.append(f"  {meaning}", style=help_style)


def _first(options: tuple[Option, ...], marked: int, room: int) -> int:
    """The first option to show so that the marked one is on the line."""
    used = 0
    for index in range(marked, -1, -1):
        used += len(options[index].text) + 2
        if used > room - 6:
            return min(index + 1, marked)
    return 0


LEFT = 3
"""Cells before the first character that is typed."""


class FilterPrompt(Vertical):
    """Appears with ``/``; enter asks for the filter, escape gives up. A wrong filter stays open with its error.

    ``grammar`` is what a filter may say; filters are remembered under the name of the ``screen``.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(PROMPT)

    class Asked(Message):
        """Show what matches this."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Opened(Message):
        """A filter is being typed: the words it may name are wanted."""

    class Closed(Message):
        """The prompt went away: the list has the focus again."""

    def __init__(self, grammar: Grammar, screen: str) -> None:
        super().__init__()
        self.display = False
        self._grammar = grammar
        self._kept_as = f"filter {screen}"
        self._words: Mapping[str, Sequence[str]] = {}
        self._draft = ""
        self._back = 0
        """How many filters back in the history the line is; 0 is what is being typed."""

    def compose(self) -> ComposeResult:
        """Put the line together."""
        yield Suggestions()
        with Horizontal():
            yield Label(" / ")
            yield Input(placeholder=self._grammar.example, compact=True)
        yield Static("", id="filter-error", markup=False)

    def ask(self, text: str) -> None:
        """Open with the filter of now."""
        self.complain(None)
        self.display = True
        self.screen.add_class("-typing")
        self._back = 0
        self._line.value = text
        self._line.cursor_position = len(text)
        self._line.focus()
        self._offer()
        self.post_message(self.Opened())

    def know(self, words: Mapping[str, Sequence[str]]) -> None:
        """Take the values that fields have now."""
        self._words = words
        if self.display:
            self._offer()

    def complain(self, error: InputError | None) -> None:
        """Say what is wrong with the filter, under the word that is."""
        said = self.query_one("#filter-error", Static)
        said.update("" if error is None else pointing(error, max(20, self.size.width)))
        said.display = error is not None

    def close(self) -> None:
        """Go away."""
        self.display = False
        self.screen.remove_class("-typing")
        self.post_message(self.Closed())

    @property
    def _line(self) -> Input:
        return self.query_one(Input)

    @property
    def _history(self) -> History:
        return History(self.app.state, self._kept_as)  # type: ignore[attr-defined]

    def _offer(self) -> None:
        completion = complete(self._line.value, self._line.cursor_position, self._words, self._grammar)
        self.query_one(Suggestions).offer(completion)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask for what was typed."""
        event.stop()
        self.post_message(self.Asked(event.value.strip()))

    def accepted(self, text: str) -> None:
        """Remember a filter that was good, and go away."""
        if text:
            self._history.add(text)
        self.close()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Forget the error once it is being mended."""
        event.stop()
        self.complain(None)
        self._offer()

    def action_take(self) -> None:
        """Put the marked suggestion into the line."""
        suggestions = self.query_one(Suggestions)
        option, completion = suggestions.option, suggestions.completion
        if option is not None:
            self._line.value = completion.apply(self._line.value, option)
            self._line.cursor_position = completion.start + len(option.text)
            self._offer()

    def action_suggestion(self, by: int) -> None:
        """Mark another suggestion."""
        self.query_one(Suggestions).step(by)

    def action_earlier(self, by: int) -> None:
        """Go back in the history, or forth to what was being typed."""
        lines = self._history.lines
        if self._back == 0:
            self._draft = self._line.value
        self._back = max(0, min(self._back + by, len(lines)))
        self._line.value = self._draft if self._back == 0 else lines[self._back - 1]
        self._line.cursor_position = len(self._line.value)

    def action_close(self) -> None:
        """Give up."""
        self.close()


def pointing(error: InputError, width: int) -> str:
    """Return the message with a mark under the word that is wrong, as far as it is known.

    >>> print(pointing(FilterError("no field 'x'", 4, 3), 40))
          ^^^ no field 'x'
    """
    if not isinstance(error, FilterError):
        return f"{' ' * LEFT}{error}"
    left, mark = " " * (LEFT + error.column - 1), "^" * max(1, error.length)
    if len(left) + len(mark) + 1 + len(error.reason) <= width:
        return f"{left}{mark} {error.reason}"
    return f"{left}{mark}\n{' ' * LEFT}{error.reason}"

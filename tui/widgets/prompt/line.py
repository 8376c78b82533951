"""A line to type into, for lists with a filter of their own."""

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Static


class LinePrompt(Vertical):
    """Opens under a list; enter asks for what was typed, escape gives up. What is wrong is said under the line."""

    class Asked(Message):
        """This was typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The line went away."""

    def __init__(self, placeholder: str) -> None:
        super().__init__()
        self._placeholder = placeholder
        self.display = False

    def compose(self) -> ComposeResult:
        """Put the line together."""
        with Horizontal():
            yield Label(" / ")
            yield Input(placeholder=self._placeholder, compact=True)
        yield Static("", classes="wrong", markup=False)

    def ask(self, text: str) -> None:
        """Open with the filter of now."""
        self.complain("")
        self.display = True
        line = self.query_one(Input)
        line.value = text
        line.focus()

    def complain(self, error: str) -> None:
        """Say what is wrong with what was typed."""
        said = self.query_one(".wrong", Static)
        said.update(error)
        said.display = bool(error)

    def close(self) -> None:
        """Go away."""
        self.display = False
        self.post_message(self.Closed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask for what was typed."""
        event.stop()
        self.post_message(self.Asked(event.value.strip()))

    def on_key(self, event: events.Key) -> None:
        """Escape gives up."""
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.close()

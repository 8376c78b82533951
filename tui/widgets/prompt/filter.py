"""The line to type a filter into."""

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Static


class FilterPrompt(Vertical):
    """Appears with ``/``; enter asks for the filter, escape gives up. A wrong filter stays open with its error."""

    class Asked(Message):
        """Show the jobs that match this."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The prompt went away: the list has the focus again."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.display = False

    def compose(self) -> ComposeResult:
        """Put the line together."""
        with Horizontal():
            yield Label(" / ")
            yield Input(placeholder="state:failed  node:gpu*  name:train  age>1h  !text", compact=True)
        yield Static("", id="filter-error", markup=False)

    def ask(self, text: str) -> None:
        """Open with the filter of now."""
        self.complain("")
        self.display = True
        line = self.query_one(Input)
        line.value = text
        line.focus()

    def complain(self, error: str) -> None:
        """Say what is wrong with the filter."""
        said = self.query_one("#filter-error", Static)
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

    def on_input_changed(self, event: Input.Changed) -> None:
        """Forget the error once it is being mended."""
        event.stop()
        self.complain("")

    def on_key(self, event: events.Key) -> None:
        """Escape gives up."""
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.close()

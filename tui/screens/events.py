"""The audit."""

from textual.app import ComposeResult
from textual.widgets import Static

from tui.screens.base import BaseScreen


class EventsScreen(BaseScreen):
    """The audit."""

    NAME = "events"

    def body(self) -> ComposeResult:
        """Put the screen together."""
        yield Static("", classes="body")

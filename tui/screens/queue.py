"""What waits, and why."""

from textual.app import ComposeResult
from textual.widgets import Static

from tui.screens.base import BaseScreen


class QueueScreen(BaseScreen):
    """What waits, and why."""

    NAME = "queue"

    def body(self) -> ComposeResult:
        """Put the screen together."""
        yield Static("", classes="body")

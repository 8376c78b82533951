"""The nodes and their workers."""

from textual.app import ComposeResult
from textual.widgets import Static

from tui.screens.base import BaseScreen


class NodesScreen(BaseScreen):
    """The nodes and their workers."""

    NAME = "nodes"

    def body(self) -> ComposeResult:
        """Put the screen together."""
        yield Static("", classes="body")

"""The anomalies, worst first."""

from textual.app import ComposeResult
from textual.widgets import Static

from tui.screens.base import BaseScreen


class OrphansScreen(BaseScreen):
    """The anomalies, worst first."""

    NAME = "orphans"

    def body(self) -> ComposeResult:
        """Put the screen together."""
        yield Static("", classes="body")

"""The line over the list: its filter, and where in the list the screen is."""

from rich.text import Text
from textual.widgets import Static

from backend.readmodel.window import Window
from tui.widgets.header.lines import spread
from tui.widgets.roles import badge_style, role_style


class ListBar(Static):
    """Says what is listed: the filter, the line of the cursor, the number of jobs, and what is new above."""

    COMPONENT_CLASSES = {"bar--filter", "bar--unseen"}  # noqa: RUF012 (as Textual declares it)

    def show(self, window: Window, cursor_line: int, unseen: int) -> None:
        """Show another place in the list."""
        width = self.size.width or 80
        filter_style = str(badge_style(self, "bar--filter"))
        unseen_style = str(role_style(self, "bar--unseen"))
        self.update(bar(window, cursor_line, unseen, width, filter_style, unseen_style))


def bar(window: Window, cursor_line: int, unseen: int, width: int, filter_style: str, unseen_style: str) -> Text:
    """Return ``Jobs  state:failed      ▲ 3 new   12 of 345``."""
    left = Text(" Jobs", style="bold")
    if window.query.filter:
        left.append("  ").append(f" {window.query.filter} ", style=filter_style)
    right = Text()
    if unseen:
        right.append(f"▲ {unseen:,} new (g)", style=unseen_style).append("   ")
    if window.loaded:
        about = "" if window.at_bottom or window.at_top else "~"
        right.append(f"{about}{cursor_line + 1:,} of {window.total:,}" if window.total else "none")
    return spread(left, right, width)

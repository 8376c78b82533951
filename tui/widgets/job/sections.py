"""The line that names the parts of a job; a click opens one."""

from textual import events
from textual.message import Message
from textual.widgets import Static

from tui.text import Text
from tui.widgets.roles import badge_style

SECTIONS = ("overview", "history", "processes", "script", "environment")
"""In the order of the keys."""


class Sections(Static):
    """One part is open; it is bracketed, so that it shows without colour."""

    COMPONENT_CLASSES = {"sections--open"}  # noqa: RUF012 (as Textual declares it)

    class Opened(Message):
        """Another part is to be shown."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__("")
        self.current = SECTIONS[0]

    def on_mount(self) -> None:
        """Show the names."""
        self._draw()

    def move(self, by: int) -> None:
        """Open the part that is so many further; after the last comes the first."""
        self.open(SECTIONS[(SECTIONS.index(self.current) + by) % len(SECTIONS)])

    def open(self, name: str) -> None:
        """Open a part."""
        self.current = name
        self._draw()
        self.post_message(self.Opened(name))

    def on_click(self, event: events.Click) -> None:
        """Open the part that was clicked."""
        at = 0
        for name, part in zip(SECTIONS, self._parts(), strict=True):
            if at <= event.x < at + part.cell_len:
                self.open(name)
            at += part.cell_len

    def _draw(self) -> None:
        self.update(Text("", no_wrap=True).join(self._parts()))

    def _parts(self) -> list[Text]:
        style = str(badge_style(self, "sections--open"))
        return [_part(name, name == self.current, style) for name in SECTIONS]


def _part(name: str, is_open: bool, style: str) -> Text:
    title = name.capitalize()
    return Text(f"[{title}]", style=style) if is_open else Text(f" {title} ")

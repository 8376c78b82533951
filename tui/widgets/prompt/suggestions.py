"""The line that offers what can stand at the cursor."""

from textual.widgets import Static

from backend.domain.completion import Completion, Option
from tui.text import Text
from tui.widgets.roles import badge_style, role_style


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

"""The line where a command is typed, with the commands it may mean under it."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from jobwarden.backend.errors import InputError
from jobwarden.tui.config.state import History
from jobwarden.tui.dialogs.dialog import ModalWindow
from jobwarden.tui.palette.commands import Call, Command, best, column, command_row, parse, typed_row
from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import badge_style

SHOWN = 10
"""Candidates that are shown at once."""


class Palette(ModalWindow[Call | None]):
    """Dismissed with the command to run. Empty, it offers what was typed before; enter takes the chosen line."""

    COMPONENT_CLASSES = {"palette--chosen"}  # noqa: RUF012 (as Textual declares it)

    def __init__(self, known: Sequence[Command], history: History, text: str = "") -> None:
        super().__init__()
        self._known = known
        self._history = history
        self._text = text
        self._candidates: list[str] = []
        self._chosen = 0
        self._width = 0

    def compose(self) -> ComposeResult:
        """Put the line together."""
        with Vertical(id="palette"):
            with Horizontal():
                yield Label(" : ")
                yield Input(self._text, placeholder="kill 123, filter state:failed, orphans, theme nord", compact=True)
            yield Static("", id="candidates")

    def must_show(self) -> list[Widget]:
        """Return the line; of the commands under it as many are shown as there is room for."""
        return [self.query_one(Input)]

    def fit(self) -> None:
        """Lay the commands out for the width they have now."""
        if self.query_one("#candidates").size.width != self._width:
            self._choose(self._chosen)

    def acts(self, key: events.Key) -> bool:
        """Whether enter would take what is offered: a command that was typed in full needs no look at the list."""
        return key.key == "enter" and not self._typed_in_full()

    def on_mount(self) -> None:
        """Offer something at once."""
        self.query_one(Input).focus()
        self._offer(self._text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what the letters may mean."""
        self._offer(event.value)

    def on_key(self, event: events.Key) -> None:
        """Choose with the arrows, complete with tab, leave with escape."""
        steps = {"up": -1, "ctrl+p": -1, "down": 1, "ctrl+n": 1}
        if event.key == "escape":
            self.dismiss(None)
        elif event.key == "tab":
            self._complete()
        elif event.key in steps:
            self._choose(self._chosen + steps[event.key])
        else:
            return
        event.stop()
        event.prevent_default()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run what was typed in full, else what is chosen; a command that needs more gets its line completed."""
        event.stop()
        line = event.value.strip()
        try:
            call = parse(line, self._known) or (parse(self._chosen_line(), self._known) if self._candidates else None)
        except InputError as exc:
            if line not in (self._chosen_line(), ""):
                self._complete()
            self._say(str(exc))
            return
        if call is None:
            self._say(f"no command {line!r}")
            return
        self._history.add(f"{call.command.words} {call.rest}".rstrip())
        self.dismiss(call)

    def _typed_in_full(self) -> bool:
        try:
            return parse(self.query_one(Input).value, self._known) is not None
        except InputError:
            return False

    def _offer(self, text: str) -> None:
        line = " ".join(text.split())
        if line:
            first = [command.words for command in best(line, self._known)]
            typed = [command.words for command in self._known if line.startswith(command.words + " ")]
            self._candidates = list(dict.fromkeys([*typed, *first]))
        else:
            self._candidates = list(dict.fromkeys([*self._history.lines, *(one.words for one in self._known)]))
        self._choose(0)

    def _choose(self, line: int) -> None:
        self._chosen = max(0, min(line, len(self._candidates) - 1))
        self._width = self.query_one("#candidates").size.width
        first = max(0, self._chosen - SHOWN + 1)
        shown = range(first, min(first + SHOWN, len(self._candidates)))
        lines = [self._line(self._candidates[number], number == self._chosen) for number in shown]
        self.query_one("#candidates", Static).update(Text("\n").join(lines))

    def _line(self, words: str, chosen: bool) -> Text:
        command = next((one for one in self._known if words == one.words), None)
        width = self._width
        text = typed_row(words, width) if command is None else command_row(command, column(self._known, width), width)
        if chosen:
            text.stylize(badge_style(self, "palette--chosen"))
        return text

    def _chosen_line(self) -> str:
        return self._candidates[self._chosen] if self._candidates else ""

    def _complete(self) -> None:
        if self._candidates:
            line = self.query_one(Input)
            line.value = self._chosen_line() + " "
            line.cursor_position = len(line.value)

    def _say(self, text: str) -> None:
        self.query_one("#candidates", Static).update(Text(f" {text}", style="bold"))

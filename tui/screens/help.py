"""The page of keys, made from the key tables."""

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from backend.domain.filters import FIELDS
from tui.config.chosen import chosen_keys
from tui.config.keymap import remapped
from tui.keys.model import Group
from tui.screens.dialog import Dialog


class Help(Dialog[None]):
    """Every key of the screen under it."""

    BINDINGS = [("question_mark,q,f1", "close", "close")]  # noqa: RUF012 (as Textual declares it)

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()
        self._groups = groups

    def compose(self) -> ComposeResult:
        """Put the page together."""
        with Vertical(id="dialog"):
            with VerticalScroll(id="body"):
                yield Static(help_text(remapped(self._groups, chosen_keys(self))))
            yield Static(Text("Esc close", style="dim"))

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one("#body").focus()


def help_text(groups: Sequence[Group]) -> Text:
    """Return the keys by group, and the words of the filter."""
    lines = []
    for group in groups:
        lines.append(Text(group.title, style="bold"))
        lines += [Text.assemble((f"  {key.shown:<10}", "bold"), key.help) for key in group.keys]
        lines.append(Text(""))
    lines.append(Text("Filter words", style="bold"))
    lines += [Text(f"  {field.name:<10}{field.help}") for field in FIELDS.values()]
    lines.append(Text("  !word     the opposite; a word without a field is searched in names, nodes and errors"))
    return Text("\n").join(lines)

"""The page of keys, made from the key tables."""

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from backend.domain.filters import FIELDS
from tui.config.chosen import chosen_keys, settings_path
from tui.config.keymap import remapped
from tui.keys.model import Group, bindings
from tui.keys.windows import HELP
from tui.screens.dialog import Dialog

WIDE = 150
"""Cells of the terminal from which on the page has two columns."""


class Help(Dialog[None]):
    """Every key of the screen under it."""

    BINDINGS = bindings(HELP)

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()
        self._groups = groups
        self._names = False

    def compose(self) -> ComposeResult:
        """Put the page together."""
        with Vertical(id="dialog", classes="columns" if self.app.size.width >= WIDE else ""):
            with VerticalScroll(id="body"):
                with Horizontal(id="help"):
                    yield Static(id="left")
                    yield Static(id="right")
            yield Static(_foot(settings_path(self)))

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one("#body").focus()
        self._fill()

    def action_names(self) -> None:
        """Show the names of the bindings instead of what they do, or what they do again."""
        self._names = not self._names
        self._fill()

    def _fill(self) -> None:
        sections = [*map(self._section, remapped(self._groups, chosen_keys(self))), filter_section()]
        cut = middle(sections) if self.app.size.width >= WIDE else len(sections)
        for name, part in (("#left", sections[:cut]), ("#right", sections[cut:])):
            self.query_one(name, Static).update(Text("\n\n").join(part))

    def _section(self, group: Group) -> Text:
        return key_section(group, names=self._names)


def key_section(group: Group, *, names: bool = False) -> Text:
    """Return the keys of a group with what they do, or with the names that the key map has for them."""
    lines = [Text(group.title, style="bold")]
    lines += [Text.assemble((f"  {key.shown:<10}", "bold"), f" {key.id if names else key.help}") for key in group.keys]
    return Text("\n").join(lines)


def filter_section() -> Text:
    """Return the words of the filter."""
    lines = [Text("Filter words", style="bold")]
    lines += [Text(f"  {field.name:<10} {field.help}") for field in FIELDS.values()]
    lines.append(Text("  !word      the opposite; a word without a field is searched in names, nodes and errors"))
    return Text("\n").join(lines)


def middle(sections: Sequence[Text]) -> int:
    """Return after which section the second column begins, so that both are about as long."""
    heights = [len(section.plain.splitlines()) + 1 for section in sections]
    return min(range(1, len(sections) + 1), key=lambda cut: abs(sum(heights[:cut]) - sum(heights[cut:])))


def _foot(path: str) -> Text:
    parts: Iterable[str] = ("Esc close", "n names for the key map", *([f"settings: {path}"] if path else []))
    return Text("   ".join(parts), style="dim", no_wrap=True, overflow="ellipsis")

"""The page of keys, made from the key tables."""

import textwrap
from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from jobwarden.backend.domain.filters.completion import Grammar
from jobwarden.backend.domain.states import KIND_MEANINGS
from jobwarden.tui.config.keymap import chosen_keys, remapped, settings_path
from jobwarden.tui.dialogs.dialog import Dialog
from jobwarden.tui.keys.bindings import HELP
from jobwarden.tui.keys.model import KeyGroup, bindings
from jobwarden.tui.text import Text

WIDE = 150
"""Cells of the terminal from which on the page has two columns."""
BROAD, NARROW, AROUND = 170, 90, 6
"""Cells of a page with two columns, of one with one, and of what is around them."""
INDENT = 13
"""Cells before what a key does."""

MARKS = (
    ("▸ ✓ ✗/min", "jobs started, COMPLETED and FAILED per minute (cancelled jobs are not counted): the last full"
     " minute, or the current one if it has more; one bar per minute where there is room"),
    ("●  ✗", "healthy, and not: workers, db, redis, scheduler"),
)  # fmt: skip


class Help(Dialog[None]):
    """Every key of the screen under it, and the words of its filter."""

    BINDINGS = bindings(HELP)

    def __init__(self, groups: Sequence[KeyGroup], grammar: Grammar | None = None) -> None:
        super().__init__()
        self._groups = groups
        self._grammar = grammar
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
        wide = self.app.size.width >= WIDE
        room = min(BROAD if wide else NARROW, self.app.size.width * 96 // 100) - AROUND
        width = room // 2 - 2 if wide else room
        groups = remapped(self._groups, chosen_keys(self))
        sections = [key_section(group, width, names=self._names) for group in groups]
        sections += [filter_section(self._grammar, width)] if self._grammar is not None else []
        sections.append(_section("Header symbols", MARKS, width))
        sections.append(_section("Anomalies", [(kind, words) for kind, words in KIND_MEANINGS.items()], width))
        cut = middle(sections) if wide else len(sections)
        for name, part in (("#left", sections[:cut]), ("#right", sections[cut:])):
            self.query_one(name, Static).update(Text("\n\n").join(part))


def key_section(group: KeyGroup, width: int = 80, *, names: bool = False) -> Text:
    """Return the keys of a group with what they do, or with the names that the key map has for them."""
    rows = [(key.shown, key.id if names else key.help) for key in group.keys]
    return _section(group.title, rows, width)


def filter_section(grammar: Grammar, width: int = 80) -> Text:
    """Return the words of a filter."""
    rows = [(field.name, field.help) for field in grammar.fields.values()]
    rows.append(("!word", f"matches the opposite; a word without a field searches {grammar.searched}"))
    rows.append(("example", grammar.example.replace("  ", " ")))
    return _section("Filter words", rows, width)


def _section(title: str, rows: Iterable[tuple[str, str]], width: int) -> Text:
    """Return two columns under a title; what does not fit goes on under its own beginning."""
    lines = [Text(title, style="bold")]
    for word, help_ in rows:
        first, *more = textwrap.wrap(help_, max(10, width - INDENT)) or [""]
        lines.append(Text.assemble((f"  {word:<{INDENT - 3}} ", "bold"), first))
        lines += [Text(" " * INDENT + line) for line in more]
    return Text("\n").join(lines)


def middle(sections: Sequence[Text]) -> int:
    """Return after which section the second column begins, so that both are about as long."""
    heights = [len(section.plain.splitlines()) + 1 for section in sections]
    return min(range(1, len(sections) + 1), key=lambda cut: abs(sum(heights[:cut]) - sum(heights[cut:])))


def _foot(path: str) -> Text:
    parts: Iterable[str] = ("Esc close", "n names for the key map", *([f"settings: {path}"] if path else []))
    return Text("   ".join(parts), style="dim", no_wrap=True, overflow="ellipsis")

"""The bottom line: the most useful keys, as many as fit."""

from collections.abc import Iterable, Sequence

from textual.widgets import Static

from tui.config.chosen import chosen_keys
from tui.config.keymap import remapped
from tui.keys.model import Group, Key
from tui.text import Text
from tui.widgets.presence import on_screen
from tui.widgets.roles import role_style


class KeyLine(Static):
    """Names keys in the order of their rank."""

    COMPONENT_CLASSES = {"keys--key"}  # noqa: RUF012 (as Textual declares it)

    def __init__(self, groups: Sequence[Group], *, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._groups = groups

    def on_resize(self) -> None:
        """Fit into another width."""
        self._draw()

    def notify_style_update(self) -> None:
        """Draw anew in another theme."""
        super().notify_style_update()
        if on_screen(self) and self.size.width:
            self._draw()

    def _draw(self) -> None:
        groups = remapped(self._groups, chosen_keys(self))
        keys = sorted((key for group in groups for key in group.keys if key.rank), key=lambda key: key.rank)
        self.update(key_line(keys, self.size.width, str(role_style(self, "keys--key"))), layout=False)


def key_line(keys: Iterable[Key], width: int, style: str) -> Text:
    """Return ``⏎ open  / filter`` with as many keys as fit; the last two (help, quit) always do."""
    parts = [Text.assemble((key.shown, style), f" {key.label}") for key in keys]
    last = parts[-2:]
    room = width - 1 - sum(part.cell_len + 2 for part in last)
    line = Text(" ", no_wrap=True)
    for part in parts[:-2]:
        if line.cell_len + part.cell_len + 2 > room:
            break
        line.append_text(part).append("  ")
    return line.append_text(Text("  ").join(last))

"""The line of screens on top and the line of keys at the bottom."""

from collections.abc import Iterable, Sequence

from textual import events
from textual.widgets import Static

from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.config.keymap import chosen_keys, remapped
from jobwarden.tui.keys.model import Key, KeyGroup
from jobwarden.tui.messages import on_screen
from jobwarden.tui.screen_registry import SCREENS, ScreenEntry
from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import ANOMALY_GLYPH, badge_style, role_style


class KeyLine(Static):
    """Names keys in the order of their rank."""

    COMPONENT_CLASSES = {"keys--key"}  # noqa: RUF012 (as Textual declares it)

    def __init__(self, groups: Sequence[KeyGroup], *, id: str | None = None) -> None:
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


# The screens with their keys, the one that is open marked; a click opens another.


class Tabs(Static):
    """One line over the body of every screen."""

    COMPONENT_CLASSES = {"tabs--open", "tabs--key", "tabs--alarm"}  # noqa: RUF012 (as Textual declares it)

    def __init__(self, name: str) -> None:
        super().__init__("")
        self._open = name
        self._anomalies = 0

    def on_mount(self) -> None:
        """Show the names before any data have come."""
        self._draw()

    def show(self, snapshot: Snapshot) -> None:
        """Say how many anomalies there are."""
        if len(snapshot.anomalies) != self._anomalies:
            self._anomalies = len(snapshot.anomalies)
            self._draw()

    def notify_style_update(self) -> None:
        """Draw anew in another theme."""
        super().notify_style_update()
        if on_screen(self):
            self._draw()

    async def on_click(self, event: events.Click) -> None:
        """Open the screen that was clicked."""
        at = 0
        for entry, tab in zip(SCREENS, self._tabs(), strict=True):
            if at <= event.x < at + tab.cell_len:
                await self.run_action(f"app.go('{entry.name}')")
            at += tab.cell_len

    def _draw(self) -> None:
        self.update(Text("", no_wrap=True).join(self._tabs()), layout=False)

    def _tabs(self) -> list[Text]:
        alarm, key = role_style(self, "tabs--alarm"), role_style(self, "tabs--key")
        return tabs(SCREENS, self._open, self._anomalies, badge_style(self, "tabs--open"), alarm, key)


def tabs(
    entries: Sequence[ScreenEntry], opened: str, anomalies: int, open_style: object, alarm: object, key: object
) -> list[Text]:
    """Return `` 1 Jobs  2 Orphans ⚠ 3 `` in parts; the open one is bracketed, so that it shows without colour."""
    return [_tab(entry, entry.name == opened, anomalies, str(open_style), str(alarm), str(key)) for entry in entries]


def _tab(entry: ScreenEntry, is_open: bool, anomalies: int, open_style: str, alarm: str, key: str) -> Text:
    left, right = ("[", "]") if is_open else (" ", " ")
    text = Text.assemble(left, (entry.key, "" if is_open else key), f" {entry.title}")
    if entry.name == "orphans" and anomalies:
        text.append(f" {ANOMALY_GLYPH} {anomalies:,}", style="" if is_open else alarm)
    text.append(right)
    if is_open:
        text.stylize(open_style)
    return text

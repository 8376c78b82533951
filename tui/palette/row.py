"""A line of what the palette offers: the command in its column, what it does, and the keys that do the same."""

from collections.abc import Iterable

from rich.cells import cell_len

from tui.palette.commands import Command
from tui.text import Text

BEFORE = "typed before"
"""In the place of the keys, of a line that is no command by itself."""


def column(known: Iterable[Command], width: int) -> int:
    """Return the cells that every command has: those of the longest, but never half of the line."""
    return min(max((cell_len(command.shown) for command in known), default=0), max(1, width // 2 - 2))


def command_row(command: Command, first: int, width: int) -> Text:
    """Return a line of ``width`` cells, ``first`` of them for the command; its keys stand whole at the right."""
    room = width - first - 3 - (cell_len(command.keys) + 2 if command.keys else 0)
    parts = [(_fitted(command.shown, first), "bold"), ("  ", ""), (_fitted(command.help, room), "dim")]
    return Text.assemble(" ", *parts, *([("  ", ""), (command.keys, "bold dim")] if command.keys else []), no_wrap=True)


def typed_row(line: str, width: int) -> Text:
    """Return a line for what was typed before; it has all the room there is."""
    room = width - cell_len(BEFORE) - 3
    return Text.assemble(" ", (_fitted(line, room), "bold"), "  ", (BEFORE, "dim"), no_wrap=True)


def _fitted(words: str, cells: int) -> str:
    text = Text(words)
    text.truncate(max(0, cells), overflow="ellipsis", pad=True)
    return text.plain

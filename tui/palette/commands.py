"""The commands of the palette as data, which of them a few typed letters may mean, and how one is shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from jobwarden.backend.actions.catalog import ACTIONS
from jobwarden.backend.errors import InputError
from jobwarden.tui.keys.model import KeyGroup
from jobwarden.tui.screen_registry import SCREENS
from jobwarden.tui.text import Text
from jobwarden.tui.theme.themes import THEMES

COPIES = {"id": "the id", "row": "the selected row", "pid": "the pid", "command": "the command line"}
"""What can be copied, and how the help says it."""
FORMATS = ("csv", "json")
OPENS = ("log", "script")


@dataclass(frozen=True, slots=True)
class Command:
    """``words`` is what is typed; ``action`` is a Textual action, with ``{}`` where what follows the words goes.

    ``takes`` names what follows ("" for nothing). ``needed`` says that it must. ``acts`` is not for a read-only screen.
    ``keys`` are those that do the same, as people read them.
    """

    words: str
    action: str
    help: str
    takes: str = ""
    needed: bool = False
    acts: bool = False
    keys: str = ""

    @property
    def shown(self) -> str:
        """The command as the list shows it."""
        return f"{self.words} {self.takes}".rstrip()


@dataclass(frozen=True, slots=True)
class Call:
    """A command with what was typed after it."""

    command: Command
    rest: str = ""


def commands(groups: Iterable[KeyGroup], *, read_only: bool) -> list[Command]:
    """Return every command for a screen with these keys; a word that is taken is not given twice."""
    found: dict[str, Command] = {}
    for command in (*_of_program(), *_of_actions(), *_of_keys(groups)):
        if not (read_only and command.acts):
            found.setdefault(command.words, command)
    return list(found.values())


def parse(text: str, known: Sequence[Command]) -> Call | None:
    """Return the command that was typed in full, None when none was. Raises InputError when something is missing.

    A bare number opens that job.
    """
    line = " ".join(text.split())
    if line.isdigit():
        line = f"job {line}"
    for command in sorted(known, key=lambda command: -len(command.words)):
        if line != command.words and not line.startswith(command.words + " "):
            continue
        rest = line[len(command.words) :].strip()
        if command.needed and not rest:
            raise InputError(f"{command.words}: needs {command.takes}")
        if rest and not command.takes:
            continue
        return Call(command, rest)
    return None


def _of_program() -> Iterable[Command]:
    for entry in SCREENS:
        yield Command(entry.name, f"go({entry.name!r})", entry.help)
    yield Command("job", "open_job({!r})", "open a job by its id", "ID", needed=True)
    yield Command("filter", "filter_by({!r})", "filter the list; empty shows all", "WORDS")
    for name in THEMES:
        yield Command(f"theme {name}", f"choose_theme({name!r})", "change the colours")
    for what in COPIES:
        yield Command(f"copy {what}", f"copy({what!r})", f"copy {COPIES[what]} to the clipboard")
    for format_ in FORMATS:
        help_ = f"write the listed rows to a new {format_.upper()} file"
        yield Command(f"export {format_}", f"export({format_!r}, {{!r}})", help_, "[FILE]")
    yield Command("open log", "open_log", "open the log of the selected job in $PAGER")
    yield Command("open script", "open_script", "open a copy of the selected job's script in $EDITOR")
    yield Command("jump", "jump", "label rows and panes with letters; type one to jump there")
    yield Command("help", "help", "show the keys of this screen")
    yield Command("quit", "quit", "quit the dashboard; workers and jobs keep running")


def _of_actions() -> Iterable[Command]:
    for action in ACTIONS.values():
        yield Command(action.name, f"act_on({action.name!r}, {{!r}})", action.help, "[ID ...|FILTER]", acts=True)


def _of_keys(groups: Iterable[KeyGroup]) -> Iterable[Command]:
    for group in groups:
        for key in group.keys:
            if not key.action.startswith("act("):  # the table of actions has it, under the name that the shell uses
                yield Command(key.label, key.action, key.help, acts=key.acts, keys=key.shown)


# Which commands a few typed letters may mean.


def best(text: str, known: Sequence[Command]) -> list[Command]:
    """Return the commands whose words have the letters in this order, the likeliest first."""
    letters = text.lower().replace(" ", "")
    scored = [(points, command) for command in known if (points := score(letters, command.words)) is not None]
    return [command for _, command in sorted(scored, key=lambda one: one[0])]


def score(letters: str, words: str) -> int | None:
    """Say how far ``words`` are from what was typed: 0 for its beginning, more for every gap; None for no match.

    >>> score("ki", "kill"), score("kl", "kill"), score("th", "export json")
    (0, 1, None)
    """
    points, at = 0, 0
    for letter in letters:
        found = words.find(letter, at)
        if found < 0:
            return None
        starts_word = found == 0 or words[found - 1] == " "
        points += 0 if found == at else 1 if starts_word or at else 5 + found
        at = found + 1
    return points


# A line of what the palette offers: the command in its column, what it does, and the keys that do the same.

BEFORE = "history"
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

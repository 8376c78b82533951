"""The commands of the palette, as data: those of the program, of the table of screens, of actions, and of the keys."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.actions.table import ACTIONS
from backend.errors import InputError
from tui.config.themes import THEMES
from tui.keys.model import Group
from tui.screens.table import SCREENS

COPIES = ("id", "row", "pid", "command")
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


def commands(groups: Iterable[Group], *, read_only: bool) -> list[Command]:
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
    yield Command("filter", "filter_by({!r})", "filter the list; nothing shows all", "WORDS")
    for name in THEMES:
        yield Command(f"theme {name}", f"choose_theme({name!r})", "colours of the screen")
    for what in COPIES:
        yield Command(f"copy {what}", f"copy({what!r})", f"copy the {what} of the selected row to the clipboard")
    for format_ in FORMATS:
        help_ = f"write the listed rows to a new {format_.upper()} file"
        yield Command(f"export {format_}", f"export({format_!r}, {{!r}})", help_, "[FILE]")
    yield Command("open log", "open_log", "the selected job's log in $PAGER")
    yield Command("open script", "open_script", "a copy of the selected job's script in $EDITOR")
    yield Command("jump", "jump", "put letters on the rows and parts of the screen")
    yield Command("help", "help", "keys of this screen")
    yield Command("quit", "quit", "close the screen; workers and jobs go on")


def _of_actions() -> Iterable[Command]:
    for action in ACTIONS.values():
        yield Command(action.name, f"act_on({action.name!r}, {{!r}})", action.help, "[ID ...|FILTER]", acts=True)


def _of_keys(groups: Iterable[Group]) -> Iterable[Command]:
    for group in groups:
        for key in group.keys:
            if not key.action.startswith("act("):  # the table of actions has it, under the name that the shell uses
                yield Command(key.label, key.action, key.help, acts=key.acts, keys=key.shown)

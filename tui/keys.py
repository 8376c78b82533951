"""Every key of the screen, as data: bindings, the key line and the help overlay are made from these tables."""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from backend.actions.table import ACTIONS


@dataclass(frozen=True, slots=True)
class Key:
    """One entry: ``keys`` as Textual names them (commas between alternatives), ``shown`` as people read them.

    ``rank`` orders the key line, lower first; 0 leaves it out. ``acts`` marks what a read-only screen does not have.
    """

    id: str
    keys: str
    shown: str
    action: str
    label: str
    help: str
    rank: int = 0
    acts: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Keys that the help shows under one heading."""

    title: str
    keys: tuple[Key, ...]


TABLE = Group(
    "Move",
    (
        Key("table.up", "up,k", "↑ k", "cursor(-1)", "up", "one job up"),
        Key("table.down", "down,j", "↓ j", "cursor(1)", "down", "one job down"),
        Key("table.page_up", "pageup,ctrl+b", "PgUp ^b", "page(-1.0)", "page up", "one screen up"),
        Key("table.page_down", "pagedown,ctrl+f", "PgDn ^f", "page(1.0)", "page down", "one screen down"),
        Key("table.half_up", "ctrl+u", "^u", "page(-0.5)", "half up", "half a screen up"),
        Key("table.half_down", "ctrl+d", "^d", "page(0.5)", "half down", "half a screen down"),
        Key("table.top", "g,home", "g Home", "top", "newest", "newest job, and stay with what is new"),
        Key("table.bottom", "G,end", "G End", "bottom", "oldest", "oldest job"),
        Key("table.open", "enter", "⏎", "open", "open", "open the job: attempts, history, script", rank=1),
    ),
)
LOG = Group(
    "Log (after tab)",
    (
        Key("log.up", "up,k", "↑ k", "scroll(-1)", "up", "one line up; pauses following"),
        Key("log.down", "down,j", "↓ j", "scroll(1)", "down", "one line down"),
        Key("log.page_up", "pageup,ctrl+b", "PgUp ^b", "page(-1.0)", "page up", "one screen up"),
        Key("log.page_down", "pagedown,ctrl+f", "PgDn ^f", "page(1.0)", "page down", "one screen down"),
        Key("log.left", "left,h", "← h", "side(-8)", "left", "to the left on a long line"),
        Key("log.right", "right,l", "→ l", "side(8)", "right", "to the right on a long line"),
        Key("log.top", "g,home", "g Home", "top", "first", "first line that is loaded"),
        Key("log.bottom", "G,end,f", "G End f", "bottom", "follow", "the end, and follow it"),
    ),
)
LIST = Group(
    "Look",
    (
        Key(
            "jobs.filter", "slash", "/", "filter", "filter", "filter the list, as state:failed node:gpu* age>1h", rank=2
        ),
        Key("jobs.clear", "escape", "Esc", "clear", "all", "clear the filter"),
        Key("jobs.log", "L", "L", "toggle_log", "log", "show or hide the log", rank=80),
        Key("jobs.focus", "tab", "Tab", "app.focus_next", "focus", "between the list and the log"),
    ),
)
JOB = Group(
    "Look",
    (
        Key("job.back", "escape,backspace", "Esc", "back", "back", "back to the list", rank=1),
        Key("job.log", "L", "L", "toggle_log", "log", "show or hide the log", rank=80),
        Key("job.focus", "tab", "Tab", "app.focus_next", "focus", "between the detail and the log"),
    ),
)
APP = Group(
    "Leave",
    (
        Key("app.help", "question_mark,f1", "?", "help", "help", "this page", rank=90),
        Key("app.quit", "q,ctrl+q", "q", "app.quit", "quit", "close the screen; workers and jobs go on", rank=91),
    ),
)
_WITH_KEY = [action for action in ACTIONS.values() if action.key]
ACT = Group(
    "Act on the selected job",
    tuple(
        Key(
            f"act.{action.name}", action.key, action.key, f"act('{action.name}')", action.label, action.help, rank, True
        )
        for rank, action in enumerate(sorted(_WITH_KEY, key=lambda action: action.name != "clean"), start=3)
    ),
)


def bindings(*groups: Group) -> list[BindingType]:
    """Make Textual's bindings of some groups; each has its id, so that a key map can change it."""
    return [
        Binding(key.keys, key.action, key.label, id=key.id, show=False, priority=False)
        for group in groups
        for key in group.keys
    ]


def without_acts(groups: Iterable[Group]) -> list[Group]:
    """Leave out what a read-only screen does not have."""
    kept = ((group.title, tuple(key for key in group.keys if not key.acts)) for group in groups)
    return [Group(title, keys) for title, keys in kept if keys]

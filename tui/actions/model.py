"""What passes between a key, the question, the work and the report."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from jobwarden.backend.actions.results import Progress

if TYPE_CHECKING:
    from jobwarden.tui.client.interfaces import ActionClient


@dataclass(frozen=True, slots=True)
class Item:
    """One job or node that would be changed: who it is, its process, what happens to it."""

    key: str
    name: str
    where: str = ""
    command: str = ""
    happens: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A dry run, to be asked about: what would be done to whom, and to whom nothing, each with the reason.

    ``takes`` says which number the action needs, "" for none; ``noun`` is what the keys are, in the singular.
    ``word`` must be typed before it is done. ``forced`` is the same action on those too that only evidence protects.
    ``instead`` says what would do less harm.
    """

    label: str
    noun: str
    items: tuple[Item, ...] = ()
    left_alone: tuple[tuple[str, str], ...] = ()
    takes: str = ""
    word: str = ""
    forced: "ScreenAction | None" = None
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the operator said: the reason for the audit, the number, and whether it is to be a dry run only.

    With ``force`` nothing is done either: the question is asked again about those that evidence protects.
    """

    reason: str = ""
    value: int | None = None
    dry: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What became of one job or node."""

    key: str
    ok: bool
    changed: bool
    message: str


@dataclass(frozen=True, slots=True)
class ActionReport:
    """What an action did, item by item, and the actions that take it back."""

    label: str
    noun: str
    outcomes: tuple[ItemOutcome, ...] = ()
    undo: tuple["ReadyAction", ...] = ()


@dataclass(frozen=True, slots=True)
class ReadyAction:
    """An action that needs no further question: with its reason and number."""

    action: "ScreenAction"
    answer: Answer


class ScreenAction(Protocol):
    """An action on pinned targets: what was selected when its key was pressed, whatever is selected later."""

    @property
    def label(self) -> str: ...
    def ask(self, client: "ActionClient") -> tuple[Question, "ScreenAction"]:
        """Find out what it would do; writes nothing. The second value acts on exactly what would be changed."""
        ...

    def do(
        self, client: "ActionClient", answer: Answer, progress: Progress, cancelled: Callable[[], bool]
    ) -> ActionReport:
        """Do it. Both callables are called from the acting thread."""
        ...


@dataclass
class Undoable:
    """The last actions that can be taken back, newest last; in memory only, for the life of the screen."""

    kept: list[ActionReport] = field(default_factory=list)

    def keep(self, report: ActionReport) -> None:
        """Remember a report if anything of it can be taken back."""
        if report.undo:
            self.kept = [*self.kept[-19:], report]

    def take(self) -> ActionReport | None:
        """Return the newest one and forget it."""
        return self.kept.pop() if self.kept else None

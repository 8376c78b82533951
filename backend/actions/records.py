"""What goes into and comes out of the actions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backend.readmodel.trees import ProcessRow

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from backend.settings import Settings

NO_SUCH_JOB = "does not exist"


@dataclass(frozen=True, slots=True)
class Undo:
    """The action that takes back what was done to the same job, with the number it needs, if it needs one."""

    action: str
    value: int | None = None


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one job: ``ok`` False is a failure, ``changed`` False nothing to do or not done."""

    job_id: int
    ok: bool
    changed: bool
    message: str
    undo: Undo | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """How far an action is: ``done`` of ``total`` jobs have their result, ``last`` is the newest one.

    ``words`` say in brief what was just done or is being waited for.
    """

    done: int
    total: int
    last: ItemResult | None
    words: str


Progress = Callable[[Step], None]
"""Told of every result, and of what is being waited for; called from the acting thread."""
Cancelled = Callable[[], bool]
"""Asked between two pieces of the jobs, and while waiting; True leaves the rest undone. What was begun is finished."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where and as whom to act; ``actor`` is ``user@host``."""

    engine: "Engine"
    settings: "Settings"
    actor: str


@dataclass(frozen=True, slots=True)
class Victim:
    """A job that an action would change, and how.

    ``pid`` is the one that lists and evidence name: its supervisor's, or its script's where that is gone; ``named``
    says which, and the script beside it. ``cmdline`` is the script's, ``processes`` are all of the script's that live
    here (``more`` are not named). ``outcome`` is the message that the result will have, where it is known.
    """

    job_id: int
    name: str
    node: str | None
    pid: int | None
    cmdline: str
    what_happens: str
    outcome: str = ""
    processes: tuple[ProcessRow, ...] = ()
    more: int = 0
    named: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run: what would be done, and to which jobs nothing, with the reason (words that follow ``job 12``).

    ``protected`` are those of ``ineligible`` that nothing but the evidence protects: force would include them.
    ``instead`` says what would do less harm, line by line.
    """

    eligible: list[Victim] = field(default_factory=list)
    ineligible: list[tuple[int, str]] = field(default_factory=list)
    protected: list[int] = field(default_factory=list)
    instead: list[str] = field(default_factory=list)

    @property
    def ids(self) -> tuple[int, ...]:
        """The jobs that would be changed: what ``Scope.pinned`` wants once they are confirmed."""
        return tuple(victim.job_id for victim in self.eligible)


def done(job_id: int, message: str, undo: Undo | None = None) -> ItemResult:
    """The job was changed."""
    return ItemResult(job_id, True, True, message, undo)


def nothing(job_id: int, message: str) -> ItemResult:
    """There was nothing to do."""
    return ItemResult(job_id, True, False, message)


def refused(job_id: int, message: str) -> ItemResult:
    """It could not be done."""
    return ItemResult(job_id, False, False, message)

"""What goes into and comes out of the actions: context, plan, results counted as they come, and who acts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobwarden.backend.queries.models.processes import ProcessRow

if TYPE_CHECKING:
    from jobwarden.backend.config.settings import Settings
    from jobwarden.backend.database.driver import Engine
import getpass
import os
import socket
from collections.abc import Iterable, Iterator, Sequence

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


# The results of one action as they come in, told to whoever watches.

CHUNK = 100
"""Jobs that are looked at together, and between which a stop is asked for."""

LEFT_UNDONE = "was not done: the action was stopped"


def pieces(ids: Sequence[int], size: int = CHUNK) -> Iterator[list[int]]:
    """The ids in lists of up to ``size``."""
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


class ResultTally:
    """Results by job, one for each id; the first one counts."""

    def __init__(
        self, ids: Sequence[int], progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> None:
        self.ids = list(dict.fromkeys(ids))
        self._results: dict[int, ItemResult] = {}
        self._progress = progress or (lambda _: None)
        self._cancelled = cancelled or (lambda: False)
        self._last: ItemResult | None = None
        self.stopped = False

    def add(self, result: ItemResult) -> None:
        """Note the result of one job and tell of it."""
        self._results.setdefault(result.job_id, result)
        self._last = result
        self.say(f"job {result.job_id}: {result.message}")

    def extend(self, results: Iterable[ItemResult]) -> None:
        """Note several."""
        for result in results:
            self.add(result)

    def say(self, words: str) -> None:
        """Tell what is going on."""
        self._progress(Step(len(self._results), len(self.ids), self._last, words))

    def stop_asked(self) -> bool:
        """Whether no further job may be begun; once True it stays so."""
        self.stopped = self.stopped or self._cancelled()
        return self.stopped

    def chunks(self, ids: Sequence[int] | None = None, size: int = CHUNK) -> Iterator[list[int]]:
        """The ids in pieces, until a stop is asked for."""
        for piece in pieces(self.ids if ids is None else ids, size):
            if self.stop_asked():
                return
            yield piece

    def results(self) -> list[ItemResult]:
        """One result for each id, in their order; for what was not begun it says so."""
        return [self._results.get(job_id) or refused(job_id, LEFT_UNDONE) for job_id in self.ids]


# Who acts, as the audit names it.


def user_name() -> str:
    """The login name of this process's user, or its number when it has none (as in many containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def current_actor() -> str:
    """``user@host``."""
    return f"{user_name()}@{socket.gethostname()}"

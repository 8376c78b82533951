"""The one table of what operators do to jobs: keys, palette, help, CLI verbs and read-only mode come from it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from jobwarden.backend.domain.states import JobState
from jobwarden.backend.queries.models.jobs import JobRow

TYPED_ABOVE = 20
"""Above so many jobs their number must be typed before it is done (or --yes given, in the shell)."""

JobRule = Callable[[JobRow], str | None]
"""Looks at a job; None when all is well, else the words that go after ``job 12``."""


class How(StrEnum):
    """How an action goes about its jobs."""

    END = "ends them together"
    IN_PIECES = "changes many PENDING ones in one transaction"
    ONE_BY_ONE = "judges and changes each in its own transaction"
    CLEAN = "does to each what its anomaly asks for"


@dataclass(frozen=True, slots=True)
class Action:
    """One action. ``key`` is the dashboard's ("" for none), ``help`` one line, ``example`` a command line.

    ``already`` says that there is nothing to do (not an error), ``applies`` why it cannot be done. ``forcible``
    actions can be told to go against the evidence; ``takes`` names a value the action needs.
    """

    name: str
    key: str
    label: str
    help: str
    happens: str
    example: str
    already: JobRule
    applies: JobRule
    destructive: bool = False
    forcible: bool = False
    takes: str | None = None
    how: How = How.ONE_BY_ONE


def _nothing(_: JobRow) -> str | None:
    return None


def _final(job: JobRow) -> str | None:
    return f"is already {job.state}: nothing to do" if job.state.final else None


def _released(job: JobRow) -> str | None:
    return "holds nothing: nothing to do" if job.state.final and job.allocation_id is None else None


def _must_be_final(job: JobRow) -> str | None:
    return None if job.state.final else f"is {job.state}, not finished: cancel or kill it first"


def _must_wait(job: JobRow) -> str | None:
    return (
        None
        if job.state is JobState.PENDING
        else f"is {job.state}: only PENDING jobs can be held, unheld or given a priority"
    )


def _is_held(job: JobRow) -> str | None:
    return "is already held: nothing to do" if job.state is JobState.PENDING and job.held else None


def _is_not_held(job: JobRow) -> str | None:
    return "is not held: nothing to do" if job.state is JobState.PENDING and not job.held else None


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action(
            "cancel",
            "c",
            "cancel",
            "Cancel jobs: TERM, grace, KILL; they become CANCELLED, pending ones at once.",
            "ends as CANCELLED",
            "jobwarden cancel 12 13 --reason 'wrong input'",
            already=_final,
            applies=_nothing,
            destructive=True,
            how=How.END,
        ),
        Action(
            "kill",
            "K",
            "kill",
            "Kill jobs: TERM, grace, KILL; they become FAILED with reason OPERATOR.",
            "ends as FAILED (OPERATOR)",
            "jobwarden kill 'state:running name:train*' --dry-run",
            already=_final,
            applies=_nothing,
            destructive=True,
            how=How.END,
        ),
        Action(
            "mark-failed",
            "F",
            "mark failed",
            "Mark jobs FAILED whose processes are gone; signals nothing, refuses while a process is alive.",
            "is marked FAILED (OPERATOR), nothing is signalled",
            "jobwarden mark-failed 12 --reason 'host was scrapped' --force",
            already=_final,
            applies=_nothing,
            destructive=True,
            forcible=True,
        ),
        Action(
            "release",
            "R",
            "release",
            "Release the resources that a finished job still holds; refuses while a process is alive.",
            "its resources are released",
            "jobwarden release 12",
            already=_released,
            applies=_must_be_final,
            destructive=True,
            forcible=True,
        ),
        Action(
            "clean",
            "C",
            "clean up",
            "Clean up anomalies (jobs whose record and processes disagree), each according to its kind.",
            "is cleaned up",
            "jobwarden clean",
            already=_nothing,
            applies=_nothing,
            destructive=True,
            how=How.CLEAN,
        ),
        Action(
            "resubmit",
            "r",
            "resubmit",
            "Resubmit finished jobs: each becomes a new job that refers to the old one.",
            "is submitted again as a new job",
            "jobwarden resubmit 12",
            already=_nothing,
            applies=_must_be_final,
        ),
        Action(
            "hold",
            "H",
            "hold",
            "Hold pending jobs: they do not start until `unhold`.",
            "does not start until `unhold`",
            "jobwarden hold 12",
            already=_is_held,
            applies=_must_wait,
            how=How.IN_PIECES,
        ),
        Action(
            "unhold",
            "U",
            "unhold",
            "Unhold held jobs: they may start again.",
            "may start",
            "jobwarden unhold 12",
            already=_is_not_held,
            applies=_must_wait,
            how=How.IN_PIECES,
        ),
        Action(
            "priority",
            "P",
            "priority",
            "Set the priority of pending jobs; a higher priority starts first.",
            "gets a new priority; it is {job.priority} now",
            "jobwarden priority 12 --to 50",
            already=_nothing,
            applies=_must_wait,
            takes="to",
            how=How.IN_PIECES,
        ),
    )
}

"""The one table of what operators do to jobs: keys, palette, help, CLI verbs and read-only mode come from it."""

from collections.abc import Callable
from dataclasses import dataclass

from backend.domain.states import JobState
from backend.readmodel.records import JobRow

Rule = Callable[[JobRow], str | None]
"""Looks at a job; None when all is well, else the words that go after ``job 12``."""


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
    already: Rule
    applies: Rule
    destructive: bool = False
    forcible: bool = False
    takes: str | None = None


def _nothing(_: JobRow) -> str | None:
    return None


def _final(job: JobRow) -> str | None:
    return f"is already {job.state}: nothing to do" if job.state.final else None


def _released(job: JobRow) -> str | None:
    return "holds nothing: nothing to do" if job.state.final and job.allocation_id is None else None


def _must_be_final(job: JobRow) -> str | None:
    return None if job.state.final else f"is {job.state}, not finished: cancel or kill it first"


def _must_wait(job: JobRow) -> str | None:
    return None if job.state is JobState.PENDING else f"is {job.state}: only PENDING jobs can be held or moved"


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
            "End jobs: TERM, grace, KILL; they become CANCELLED. A waiting job is CANCELLED at once.",
            "ends as CANCELLED",
            "jobwarden cancel 12 13 --reason 'wrong input'",
            already=_final,
            applies=_nothing,
            destructive=True,
        ),
        Action(
            "kill",
            "K",
            "kill",
            "End jobs: TERM, grace, KILL; they become FAILED with reason OPERATOR.",
            "ends as FAILED (OPERATOR)",
            "jobwarden kill 'state:running name:train*' --dry-run",
            already=_final,
            applies=_nothing,
            destructive=True,
        ),
        Action(
            "mark-failed",
            "F",
            "mark failed",
            "Record jobs as FAILED whose processes are gone; signals nothing, refuses while one is alive.",
            "recorded as FAILED (OPERATOR), nothing is signalled",
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
            "Release the resources a finished job still holds; refuses while a process of it is alive.",
            "its resources become free",
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
            "Clean up jobs whose record and processes disagree, each as its kind asks for.",
            "is cleaned up",
            "jobwarden clean",
            already=_nothing,
            applies=_nothing,
            destructive=True,
        ),
        Action(
            "resubmit",
            "r",
            "resubmit",
            "Submit finished jobs again: each becomes a new job that points back.",
            "a new job like it is submitted",
            "jobwarden resubmit 12",
            already=_nothing,
            applies=_must_be_final,
        ),
        Action(
            "hold",
            "H",
            "hold",
            "Keep waiting jobs from starting.",
            "is not started until `unhold`",
            "jobwarden hold 12",
            already=_is_held,
            applies=_must_wait,
        ),
        Action(
            "unhold",
            "U",
            "unhold",
            "Unhold jobs: they may start again.",
            "may start",
            "jobwarden unhold 12",
            already=_is_not_held,
            applies=_must_wait,
        ),
        Action(
            "priority",
            "P",
            "priority",
            "Move waiting jobs in the queue; a higher priority starts first.",
            "moves in the queue, where it has priority {job.priority} now",
            "jobwarden priority 12 --to 50",
            already=_nothing,
            applies=_must_wait,
            takes="to",
        ),
    )
}

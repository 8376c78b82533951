"""What goes into and comes out of the actions."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine

from backend.settings import Settings

Progress = Callable[[str], None]
"""Told, in a few words, what is being waited for or was done; called from the acting thread."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where and as whom to act; ``actor`` is ``user@host``."""

    engine: Engine
    settings: Settings
    actor: str


@dataclass(frozen=True, slots=True)
class Victim:
    """A job that an action would change, and how."""

    job_id: int
    name: str
    node: str | None
    pid: int | None
    cmdline: str
    what_happens: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run: what would be done, and to which jobs nothing, with the reason (words that follow ``job 12``)."""

    eligible: list[Victim] = field(default_factory=list)
    ineligible: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one job: ``ok`` False is a failure, ``changed`` False nothing to do or not done."""

    job_id: int
    ok: bool
    changed: bool
    message: str


def done(job_id: int, message: str) -> ItemResult:
    """The job was changed."""
    return ItemResult(job_id, True, True, message)


def nothing(job_id: int, message: str) -> ItemResult:
    """There was nothing to do."""
    return ItemResult(job_id, True, False, message)


def refused(job_id: int, message: str) -> ItemResult:
    """It could not be done."""
    return ItemResult(job_id, False, False, message)

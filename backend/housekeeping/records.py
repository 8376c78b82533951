"""What a clean-up is told and what it reports."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

CleanupProgress = Callable[[str, int, int], None]
"""Told the step, how much of it is done, and of how much; called from the working thread."""


class CleanupStep(StrEnum):
    """The steps, in their order."""

    ALLOCATIONS = "allocations"
    SPOOL = "spool"
    ARCHIVE = "archive"
    WORKERS = "workers"


@dataclass(frozen=True, slots=True)
class Limits:
    """Ages from which something is old: allocations and spool folders in hours, finished jobs in days."""

    max_age_hours: float
    retention_days: float

    @property
    def max_age_seconds(self) -> float:
        """Age of stale allocations and of old spool folders."""
        return self.max_age_hours * 3600

    @property
    def retention_seconds(self) -> float:
        """Age of jobs for the archive."""
        return self.retention_days * 86_400


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did, or would do.

    ``count`` is allocations released, folders removed, jobs archived or workers forgotten, ``bytes`` what that freed in
    the spool or took in the archive. ``files`` are archives written. ``left`` says what was seen and left alone, and
    why; ``failed`` what should have been done and could not be.
    """

    step: CleanupStep
    count: int = 0
    bytes: int = 0
    events: int = 0
    done: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CleanupReport:
    """A clean-up. ``busy`` names the one that was at it already, so that nothing was done."""

    dry_run: bool
    steps: tuple[StepReport, ...] = ()
    busy: str = ""

    @property
    def ok(self) -> bool:
        """Whether all that should be done was done."""
        return not any(step.failed for step in self.steps)

"""What a health check finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from jobwarden.backend.harmless import hide_password


class Status(StrEnum):
    """From best to worst; ``UNKNOWN`` is worst, because nobody can act on what nobody knows."""

    OK = "ok"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 degraded, 2 cannot tell."""
        return list(Status).index(self)


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is, and what to do when it is not well.

    ``value`` is the number behind it, if there is one: seconds for database, redis, clock, leader and queue, a count
    for workers and anomalies, percent free for disk, bytes free for logs.
    """

    check: str
    status: Status
    summary: str
    advice: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All checks of one moment, each after those that it depends on."""

    checks: tuple[Check, ...]

    @property
    def worst_first(self) -> list[Check]:
        """For people, who act on the first line."""
        return sorted(self.checks, key=lambda check: -check.status.exit_code)

    @property
    def status(self) -> Status:
        """That of the worst check."""
        return worst([check.status for check in self.checks])


def worst(statuses: Sequence[Status]) -> Status:
    """The worst of them, OK of none."""
    return max(statuses, key=lambda status: status.exit_code, default=Status.OK)


def ok(check: str, summary: str, value: float | None = None) -> Check:
    """All is well."""
    return Check(check, Status.OK, summary, value=value)


def degraded(check: str, summary: str, advice: str, value: float | None = None) -> Check:
    """Something is wrong, and this is what to do."""
    return Check(check, Status.DEGRADED, hide_password(summary), advice, value)


def unknown(check: str, summary: str, advice: str) -> Check:
    """It cannot be told."""
    return Check(check, Status.UNKNOWN, hide_password(summary), advice)

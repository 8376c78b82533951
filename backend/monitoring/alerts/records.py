"""What rules and receivers hand to each other."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


class DeliveryError(Exception):
    """Why a receiver did not take a notice, in one line."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule measured: over its threshold when ``value`` is. ``fact`` says it, ``remedy`` what to do about it."""

    rule: str
    subject: str
    value: float
    threshold: float
    fact: str
    remedy: str = ""

    @property
    def message(self) -> str:
        """What an alert says."""
        return f"{self.fact}: {self.remedy}" if self.remedy else self.fact

    @property
    def over(self) -> bool:
        """Whether somebody should know."""
        return self.value > self.threshold

    @property
    def key(self) -> tuple[str, str]:
        """What makes two alerts the same."""
        return self.rule, self.subject


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell: ``status`` is raised, reminder, cleared or test; message and value are those of now."""

    status: str
    rule: str
    subject: str
    message: str
    value: float
    threshold: float
    raised_at: datetime
    cleared_at: datetime | None = None
    alert_id: int = 0
    """The same in every notice of an alert."""

    @property
    def key(self) -> tuple[int, str]:
        """What makes two notices the same."""
        return self.alert_id, self.status

    def body(self) -> dict[str, Any]:
        """The JSON object that receivers get; times are ISO 8601."""
        times = {name: moment.isoformat() for name in ("raised_at", "cleared_at") if (moment := getattr(self, name))}
        return {**asdict(self), "cleared_at": None, **times}

"""What rules and receivers hand to each other."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule measured, in words. It is over its threshold when ``value`` is."""

    rule: str
    subject: str
    value: float
    threshold: float
    message: str

    @property
    def over(self) -> bool:
        """Whether somebody should know."""
        return self.value > self.threshold

    @property
    def key(self) -> tuple[str, str]:
        """What makes two alerts the same."""
        return self.rule, self.subject


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An open alert."""

    id: int
    rule: str
    subject: str
    message: str
    value: float
    threshold: float
    raised_at: datetime

    @property
    def key(self) -> tuple[str, str]:
        """What makes two alerts the same."""
        return self.rule, self.subject


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell: ``status`` is raised, cleared or test."""

    status: str
    rule: str
    subject: str
    message: str
    value: float
    threshold: float
    raised_at: datetime
    cleared_at: datetime | None = None

    def body(self) -> dict[str, Any]:
        """The JSON object that receivers get; times are ISO 8601."""
        times = {name: moment.isoformat() for name in ("raised_at", "cleared_at") if (moment := getattr(self, name))}
        return {**asdict(self), "cleared_at": None, **times}

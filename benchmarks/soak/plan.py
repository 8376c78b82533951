"""What will happen, and when: drawn from the seed alone, so that a seed replays its faults."""

from __future__ import annotations

import random
from dataclasses import dataclass

FAULTS = {
    "kill worker": 4.0,
    "suspend worker": 1.5,
    "kill supervisor": 4.0,
    "kill script": 4.0,
    "suspend supervisor": 1.5,
    "suspend script": 1.5,
    "kill PostgreSQL": 0.7,
    "restart PostgreSQL at once": 0.7,
    "cut database sessions": 2.0,
    "kill Valkey": 0.7,
    "empty Valkey": 0.7,
    "hostile job": 4.0,
}
"""Kind of fault: how often it is chosen, relative to the others."""

DEEDS = {
    "cancel": 5.0,
    "kill": 4.0,
    "clean": 5.0,
    "mark-failed": 1.5,
    "release": 1.0,
    "resubmit": 2.0,
    "hold": 1.0,
    "unhold": 1.0,
    "priority": 1.0,
    "drain": 0.5,
    "resume": 2.0,
    "typed FAILED": 1.0,
    "typed FAILED and released": 0.5,
}
"""What operators do, the last two by typing SQL."""

FAULT_SECONDS = 1.2
"""Mean time between two faults."""
DEED_SECONDS = 0.6
"""Mean time between two actions."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens ``at`` seconds after the start; ``luck`` in [0, 1) picks the victim."""

    at: float
    kind: str
    luck: float
    for_: float
    """Seconds that a suspension lasts."""


def faults(seed: int, seconds: float) -> list[Event]:
    """The faults of a run, in order."""
    return _drawn(random.Random(f"faults {seed}"), FAULTS, FAULT_SECONDS, seconds)


def actions(seed: int, seconds: float) -> list[Event]:
    """The operators' actions of a run, in order."""
    return _drawn(random.Random(f"actions {seed}"), DEEDS, DEED_SECONDS, seconds)


def _drawn(rng: random.Random, weights: dict[str, float], mean: float, seconds: float) -> list[Event]:
    events, at = [], rng.expovariate(1 / mean)
    while at < seconds:
        [kind] = rng.choices(list(weights), list(weights.values()))
        events.append(Event(at, kind, rng.random(), rng.uniform(0.3, 8.0)))
        at += rng.expovariate(1 / mean)
    return events

"""The soak in its short form: random faults for under a minute, and nothing may be lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.site import percentile
from benchmarks.soak import plan
from benchmarks.soak.report import report
from benchmarks.soak.run import soak

SEED = 20260
SECONDS = 40.0
RATE = 5.0
DRAIN_SECONDS = 120.0


@pytest.mark.slow
def test_nothing_is_lost_under_random_faults(home: Path) -> None:
    result = soak(home, SEED, SECONDS, RATE, DRAIN_SECONDS)
    shown = report(result)
    print(shown)
    assert result.clean, shown
    assert sum(result.outcomes.values()) > SECONDS, "hardly a job was run"
    assert len(result.faults) > 4, "hardly a fault was caused"
    assert result.times["worker killed > noticed"], "no worker was killed"
    assert "NOT CLEAN" in report(replace(result, drained=False))


def test_a_seed_replays_its_faults() -> None:
    assert plan.faults(7, 600.0) == plan.faults(7, 600.0)
    assert plan.faults(7, 600.0) != plan.faults(8, 600.0)
    assert plan.actions(7, 600.0) == plan.actions(7, 600.0)
    assert {event.kind for event in plan.faults(7, 600.0)} == set(plan.FAULTS)


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.9, 0.99, 1.0)] == [50.0, 90.0, 99.0, 100.0]
    assert percentile([3.0], 0.5) == 3.0

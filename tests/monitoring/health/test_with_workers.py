"""Health follows a real worker that is killed and replaced."""

from __future__ import annotations

from tests.support.processes import wait_until
from tests.worker.conftest import farm
from tests.worker.farm import PATIENCE, Farm

__all__ = ["farm"]


def test_it_turns_1_when_a_worker_is_killed_and_0_when_another_takes_over(farm: Farm) -> None:
    first = farm.worker()
    wait_until(lambda: farm.cli("health").code == 0, PATIENCE, "health")
    first.kill()
    wait_until(lambda: farm.cli("health").code == 1, PATIENCE, "the loss to be seen")
    assert "is dead" in farm.cli("health").out
    farm.worker()
    wait_until(lambda: farm.cli("health").code == 0, PATIENCE, "health again")

"""The queue never stands still for what cannot run, and one turn looks as far down as something may still start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jobwarden.backend.database.driver import Connection, Engine, text
from jobwarden.backend.database.engine import WORKER_LOCK, try_session_lock
from jobwarden.backend.scheduler import cycle
from jobwarden.backend.scheduler.cycle import run_cycle
from jobwarden.backend.scheduler.plan import PendingJob, Planner
from jobwarden.backend.state import machine
from tests.support.rows import ACTOR, add_node, request

PATIENCE = 3600.0


class Site:
    """Nodes whose workers live, and their queue."""

    def __init__(self, conn: Connection, locks: Connection) -> None:
        self._conn, self._locks = conn, locks

    def node(self, name: str, partitions: str = "{main}", **sizes: int) -> None:
        worker = add_node(self._conn, name, **sizes)
        self._conn.execute(text("UPDATE nodes SET partitions = :p WHERE name = :n"), {"p": partitions, "n": name})
        try_session_lock(self._locks, WORKER_LOCK, worker)
        self._conn.commit()

    def submit(self, count: int, **fields: Any) -> list[int]:
        ids = machine.submit(self._conn, [request(**fields)] * count, ACTOR)
        self._conn.commit()
        return ids

    def turn(self, **how: Any) -> list[int]:
        granted = run_cycle(self._conn, PATIENCE, **how)
        self._conn.commit()
        ids = [one for of_node in granted.values() for one in of_node]
        rows = text("SELECT job_id FROM resource_allocations WHERE id = ANY(:ids) ORDER BY job_id")
        return list(self._conn.scalars(rows, {"ids": ids}))


@pytest.fixture
def site(engine: Engine) -> Iterator[Site]:
    locks = engine.connect().autocommit()
    with engine.connect() as conn:
        yield Site(conn, locks)
    locks.invalidate()
    locks.close()


BLOCKERS: dict[str, dict[str, Any]] = {
    "a partition without a node": {"partition": "nosuch"},
    "more processors than any node has": {"cpus": 512},
    "more memory than any node has": {"memory_mb": 2**20},
    "processors that no node has": {"gpus": 1},
    "a partition that is full": {"partition": "small", "cpus": 2},
    "more than is free now": {"cpus": 4},
    "held": {"held": True},
}


@pytest.mark.parametrize("why", BLOCKERS)
def test_a_thousand_that_cannot_start_stand_in_nobodys_way(site: Site, why: str) -> None:
    site.node("a", cpus=4)
    site.node("b", "{small}", cpus=2)
    site.submit(1, cpus=1, priority=9)
    site.submit(1, cpus=2, partition="small", priority=9)
    assert len(site.turn()) == 2
    site.submit(1500, priority=5, **BLOCKERS[why])
    last = site.submit(3, cpus=1)
    assert site.turn() == last


def test_of_two_partitions_with_room_the_order_of_the_queue_decides(site: Site) -> None:
    site.node("a", "{one,two}", cpus=2)
    [first] = site.submit(1, partition="one", priority=1)
    site.submit(200, partition="one")
    [second] = site.submit(1, partition="two", priority=2)
    assert site.turn() == [first, second]


def test_what_fits_goes_before_what_came_later_however_far_down(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycle, "LARGEST", 7)
    site.node("a", cpus=4, memory_mb=1000)
    site.submit(300, cpus=4, memory_mb=2000, priority=3)
    fits = [site.submit(1, cpus=1, memory_mb=10, priority=3 - i % 3)[0] for i in range(30)]
    assert site.turn() == sorted([*fits[0::3][:4]])


def test_a_shape_that_failed_is_not_read_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two nodes, each with room in another measure: nothing of this shape fits, though the most of each would."""
    site.node("a", cpus=4, memory_mb=100)
    site.node("b", cpus=1, memory_mb=4000)
    site.submit(400, cpus=4, memory_mb=4000, priority=2)
    site.submit(3000, cpus=3, memory_mb=3000, time_limit=60, priority=1)
    [fits] = site.submit(1, cpus=4, memory_mb=50)
    offered: list[int] = []
    offer = Planner.offer

    def counted(self: Planner, job: PendingJob) -> None:
        offered.append(job.job_id)
        offer(self, job)

    monkeypatch.setattr(Planner, "offer", counted)
    assert site.turn() == [fits]
    assert len(offered) < 1000


def test_one_that_waited_long_still_gets_its_node_when_it_is_far_down(site: Site) -> None:
    site.node("a", cpus=4)
    site.submit(1, cpus=2)
    assert len(site.turn()) == 1
    site.submit(300, cpus=8, priority=5)
    [big] = site.submit(1, cpus=4, priority=4)
    site._conn.execute(text("UPDATE jobs SET submit_time = now() - interval '2 hours' WHERE id = :id"), {"id": big})
    site._conn.commit()
    site.submit(10, cpus=1)
    assert site.turn() == []


def test_a_turn_that_is_not_deep_looks_at_the_heads(site: Site) -> None:
    site.node("a", cpus=4)
    site.submit(150, cpus=512, priority=1)
    site.submit(1)
    assert site.turn(deep=False) == []
    assert len(site.turn()) == 1


def test_the_index_of_the_queue_leaves_out_what_is_held(engine: Engine) -> None:
    with engine.connect() as conn:
        definition = conn.scalar(text("SELECT indexdef FROM pg_indexes WHERE indexname = 'jobs_queue_of_partition'"))
    assert "NOT held" in str(definition)

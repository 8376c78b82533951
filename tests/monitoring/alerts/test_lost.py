"""A dead worker is noticed once, with how long that took; by the leader, or before that by the next worker."""

from __future__ import annotations

import pytest

from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.monitoring.alerts.monitor import notice_lost
from jobwarden.backend.monitoring.metrics.collect import JobCounters
from jobwarden.backend.worker import sql as worker_sql
from tests.support.rows import add_node, add_worker


@pytest.fixture
def dead(engine: Engine) -> int:
    """A worker last heard of twelve seconds ago; its lease is ten."""
    with engine.begin() as conn:
        worker_id = add_node(conn)
        conn.execute(text("UPDATE workers SET heartbeat_at = clock_timestamp() - interval '12 seconds'"))
    return worker_id


def notice(engine: Engine) -> list[int]:
    with engine.begin() as conn:
        return notice_lost(conn)


def events(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as conn:
        rows = conn.execute(text("SELECT actor, reason FROM events WHERE action = 'worker-lost'"))
        return [(row.actor, row.reason) for row in rows]


def counted(engine: Engine, tally: JobCounters) -> tuple[list[int], float]:
    with engine.connect() as conn:
        tally.update(conn.one_moment(read_only=False))
    return tally.notices.counts, tally.notices.total


def test_it_is_noticed_once_and_written_into_the_audit(engine: Engine, dead: int) -> None:
    assert notice(engine) == [dead]
    assert notice(engine) == []
    [(actor, reason)] = events(engine)
    assert actor == "leader"
    assert reason.startswith(f"worker {dead} is dead, last heartbeat 1")


def test_one_that_lives_or_has_stopped_is_none(engine: Engine) -> None:
    with engine.begin() as conn:
        add_node(conn)
        stopped = add_node(conn, "node2")
        conn.execute(text("UPDATE workers SET ended_at = now(), heartbeat_at = now() - interval '1 hour'"
                          " WHERE id = :id"), {"id": stopped})  # fmt: skip
    assert notice(engine) == []
    assert events(engine) == []


def test_its_successor_notices_as_well_but_not_again(engine: Engine, dead: int) -> None:
    with engine.begin() as conn:
        other = add_worker(conn)
        conn.execute(text("UPDATE workers SET noticed_after = 3 WHERE id = :id"), {"id": other})
        conn.execute(worker_sql.SUPERSEDE, {"name": "node1", "reason": "x"})
        seconds = {row.id: row.noticed_after for row in conn.execute(text("SELECT id, noticed_after FROM workers"))}
    assert seconds[other] == 3
    assert seconds[dead] >= 12


def test_the_metrics_count_each_death_once(engine: Engine, dead: int) -> None:
    tally = JobCounters()
    assert sum(counted(engine, tally)[0]) == 0
    notice(engine)
    for _ in range(2):
        counts, total = counted(engine, tally)
        assert sum(counts) == 1
        assert total >= 12
    with engine.begin() as conn:
        conn.execute(text("DELETE FROM workers WHERE id = :id"), {"id": dead})
    assert sum(counted(engine, tally)[0]) == 1

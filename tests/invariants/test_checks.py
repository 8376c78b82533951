"""The checks themselves: each must notice what the guards of the database normally make impossible."""

from __future__ import annotations

import pytest

from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.process.record import Record, RecordKind
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import LaunchOrder
from tests.invariants.checks import check_all, read
from tests.invariants.world import Attempt, World
from tests.support.rows import ACTOR, add_node, pending, running


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("UPDATE jobs SET state = 'PENDING' WHERE id = 1", "PENDING. holds"),
        ("UPDATE jobs SET state = 'RUNNING' WHERE id = 2", "has no allocation"),
        ("UPDATE jobs SET start_time = NULL WHERE id = 1", "start time and process differ"),
        ("UPDATE jobs SET state = 'FAILED', end_time = now() WHERE id = 2", "FAILED.: None"),
        ("UPDATE jobs SET state = 'PENDING', end_time = NULL, failure_reason = NULL WHERE id = 3", "left FAILED"),
        ("UPDATE jobs SET priority = 9 WHERE id = 2", "changed without an event"),
        ("UPDATE resource_allocations SET released = true WHERE job_id = 1", "has no allocation"),
        ("UPDATE resource_allocations SET process_id = 1 WHERE job_id = 1", "changed its process"),
        ("UPDATE nodes SET cpus_allocated = 0", "counter is not 1"),
        ("UPDATE nodes SET cpus = 0", "1 of 0 cpus given"),
        ("UPDATE events SET actor = 'nobody' WHERE job_id = 2", "the audit was rewritten"),
        ("DELETE FROM events WHERE job_id = 2", "the audit was rewritten"),
    ],
)
def test_damage_is_noticed(engine: Engine, damage: str, complaint: str) -> None:
    with engine.begin() as conn:
        worker = add_node(conn)
        running(conn, worker)
        pending(conn)
        pending(conn)
        machine.fail(conn, 3, ACTOR, "why not", release=True)
        conn.execute(text("ALTER TABLE nodes DROP CONSTRAINT nodes_cpus_check"))
        before = read(conn)
        check_all(before, before, World())
        conn.execute(text("SET LOCAL session_replication_role = replica"))  # no trigger is in the way
        conn.execute(text(damage))
        with pytest.raises(AssertionError, match=complaint):
            check_all(before, read(conn), World())


def test_a_second_start_and_a_release_of_the_living_are_noticed(engine: Engine) -> None:
    with engine.begin() as conn:
        job, allocation = running(conn, add_node(conn))
        orders = (LaunchOrder(a, job, "", "", "", (), "/", {}, None, 0, "", "") for a in (allocation, allocation + 1))
        first, second = (Attempt(order) for order in orders)
        world = World({allocation: first, allocation + 1: second})
        first.open_gate()
        seen = read(conn)
        check_all(seen, seen, world)
        second.open_gate()
        with pytest.raises(AssertionError, match="started 2 times"):
            check_all(seen, seen, world)
        del world.attempts[allocation + 1]
        machine.fail(conn, job, ACTOR, None, release=True)
        after = read(conn)
        with pytest.raises(AssertionError, match="released alive"):
            check_all(seen, after, world)
        first.end(Record(RecordKind.EXIT, gone=True))
        check_all(seen, after, world)

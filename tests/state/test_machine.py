"""The state machine: each move is made once, with its allocation and its event."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobwarden.backend.database.driver import Connection, DatabaseError, Engine, text
from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Outcome, Placement
from tests.support.rows import (
    ACTOR,
    actions,
    add_node,
    add_worker,
    allocated,
    column,
    live_allocations,
    pending,
    request,
    running,
    started,
)


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


@pytest.fixture
def worker(conn: Connection) -> int:
    return add_node(conn)


def completed(job_id: int, allocation_id: int) -> Outcome:
    return Outcome(allocation_id, job_id, JobState.COMPLETED, exit_code=0)


def test_submit_keeps_the_order_and_every_field(conn: Connection) -> None:
    asked = [
        request(name=f"n{i}", arguments=("a b", 'quo"te', "new\nline", "ü"), environment={"K": "v w"}, time_limit=5)
        for i in range(20)
    ]
    ids = machine.submit(conn, asked, ACTOR)
    assert ids == sorted(ids)
    rows = conn.execute(text("SELECT * FROM jobs ORDER BY id")).all()
    assert [row.name for row in rows] == [f"n{i}" for i in range(20)]
    assert rows[0].arguments == ["a b", 'quo"te', "new\nline", "ü"]
    assert rows[0].environment == {"K": "v w"}
    assert (rows[0].state, rows[0].time_limit, rows[0].held) == ("PENDING", 5, False)
    assert actions(conn, ids[0]) == [("submit", None, "PENDING")]


def test_a_whole_life(conn: Connection, worker: int) -> None:
    job_id, allocation_id = running(conn, worker, cpus=3)
    assert column(conn, job_id, "start_time") is not None
    assert machine.finish(conn, [completed(job_id, allocation_id)], "worker:node1") == {allocation_id}
    assert column(conn, job_id, "state") == "COMPLETED"
    assert live_allocations(conn, job_id) == 0
    assert conn.scalar(text("SELECT cpus_allocated FROM nodes")) == 0
    assert actions(conn, job_id) == [
        ("submit", None, "PENDING"),
        ("allocate", "PENDING", "RUNNING"),
        ("start", "RUNNING", "RUNNING"),
        ("finish", "RUNNING", "COMPLETED"),
    ]


def test_the_second_call_of_everything_changes_nothing(conn: Connection, worker: int) -> None:
    job_id, allocation_id = running(conn, worker)
    assert machine.claim(conn, worker, [allocation_id]) == []
    assert machine.commit_start(conn, worker, [started(allocation_id)], "w") == set()
    assert machine.allocate(conn, [Placement(job_id, "node1", worker)]) == []
    machine.finish(conn, [completed(job_id, allocation_id)], "w")
    before = actions(conn, job_id)
    failed = Outcome(allocation_id, job_id, JobState.FAILED, FailureReason.WORKER_LOST)
    assert machine.finish(conn, [failed], "w") == set()
    assert machine.requeue(conn, [allocation_id], "w", "again") == set()
    assert not machine.end_unstarted(conn, [job_id], "cancel", ACTOR, None)
    assert not machine.request_end(conn, [job_id], "kill", ACTOR, None)
    assert not machine.fail(conn, job_id, ACTOR, None, release=True)
    assert not machine.release(conn, job_id, ACTOR, None)
    assert actions(conn, job_id) == before
    assert column(conn, job_id, "state") == "COMPLETED"


def test_claim_gives_the_order_only_to_the_worker_it_was_allocated_to(conn: Connection, worker: int) -> None:
    job_id, allocation_id = allocated(conn, worker, script="#!/bin/sh\ntrue\n", work_dir="/tmp", time_limit=9)
    other = add_worker(conn)
    assert machine.claim(conn, other, [allocation_id]) == []
    [order] = machine.claim(conn, worker, [allocation_id])
    assert (order.job_id, order.script, order.work_dir, order.time_limit) == (job_id, "#!/bin/sh\ntrue\n", "/tmp", 9)


def test_a_cancelled_launch_keeps_its_gate_shut(conn: Connection, worker: int) -> None:
    job_id, allocation_id = allocated(conn, worker)
    machine.claim(conn, worker, [allocation_id])
    assert machine.end_unstarted(conn, [job_id], "cancel", ACTOR, "changed my mind")
    assert machine.commit_start(conn, worker, [started(allocation_id)], "w") == set()
    assert (column(conn, job_id, "state"), live_allocations(conn, job_id)) == ("CANCELLED", 0)


def test_a_running_job_is_not_cancelled_behind_its_workers_back(conn: Connection, worker: int) -> None:
    job_id, _ = running(conn, worker)
    assert not machine.end_unstarted(conn, [job_id], "cancel", ACTOR, None)
    assert column(conn, job_id, "state") == "RUNNING"
    assert machine.request_end(conn, [job_id], "cancel", ACTOR, "why")
    assert not machine.request_end(conn, [job_id], "cancel", "other", "later")
    assert actions(conn, job_id)[-1] == ("cancel-requested", "RUNNING", "RUNNING")


def test_finishing_closes_the_open_command(conn: Connection, worker: int) -> None:
    job_id, allocation_id = running(conn, worker)
    machine.request_end(conn, [job_id], "kill", ACTOR, None)
    outcome = Outcome(allocation_id, job_id, JobState.FAILED, FailureReason.OPERATOR, exit_signal=15)
    machine.finish(conn, [outcome], ACTOR, "kill", "because")
    command = conn.execute(text("SELECT done_at, result FROM commands")).one()
    assert command.done_at is not None
    assert command.result == "failed"
    event = conn.execute(text("SELECT * FROM events ORDER BY id DESC LIMIT 1")).one()
    assert (event.actor, event.action, event.reason, event.detail["exit_signal"]) == (ACTOR, "kill", "because", 15)


def test_requeue_is_the_way_back_and_says_so(conn: Connection, worker: int) -> None:
    job_id, allocation_id = allocated(conn, worker, cpus=4)
    assert machine.requeue(conn, [allocation_id], "worker:node1", "its worker died") == {allocation_id}
    assert column(conn, job_id, "state") == "PENDING"
    assert column(conn, job_id, "start_time") is None
    assert conn.scalar(text("SELECT cpus_allocated FROM nodes")) == 0
    assert actions(conn, job_id)[-1] == ("requeue", "RUNNING", "PENDING")


@pytest.mark.parametrize(("action", "state"), [("cancel", "CANCELLED"), ("kill", "FAILED")])
def test_requeue_honours_a_waiting_command(
    conn: Connection, worker: int, action: machine.EndCommand, state: str
) -> None:
    job_id, allocation_id = running(conn, worker)
    machine.request_end(conn, [job_id], action, ACTOR, "no")
    machine.requeue(conn, [allocation_id], "w", "never started")
    assert column(conn, job_id, "state") == state
    assert conn.scalar(text("SELECT count(*) FROM commands WHERE done_at IS NULL")) == 0


def test_a_hand_failed_job_is_released_when_its_processes_are_gone(conn: Connection, worker: int) -> None:
    job_id, allocation_id = running(conn, worker)
    machine.fail(conn, job_id, ACTOR, "wrong input", release=False)
    assert live_allocations(conn, job_id) == 1
    assert machine.finish(conn, [completed(job_id, allocation_id)], "worker:node1") == set()
    assert (column(conn, job_id, "state"), column(conn, job_id, "failure_reason")) == ("FAILED", "OPERATOR")
    assert live_allocations(conn, job_id) == 0
    assert actions(conn, job_id)[-1] == ("release", "FAILED", "FAILED")


def test_release_is_for_final_jobs_only(conn: Connection, worker: int) -> None:
    job_id, _ = running(conn, worker)
    assert not machine.release(conn, job_id, ACTOR, None)
    machine.fail(conn, job_id, ACTOR, None, release=False)
    assert machine.release(conn, job_id, ACTOR, "checked by hand")
    assert not machine.release(conn, job_id, ACTOR, "again")


def test_adopt_moves_ownership_with_an_event(conn: Connection, worker: int) -> None:
    job_id, allocation_id = running(conn, worker)
    successor = add_worker(conn)
    assert machine.adopt(conn, successor, [allocation_id], "worker:node1") == {allocation_id}
    assert machine.adopt(conn, successor, [allocation_id], "worker:node1") == set()
    assert actions(conn, job_id)[-1][0] == "adopt"


def test_drained_nodes_and_ended_workers_get_nothing(conn: Connection, worker: int) -> None:
    job_id = pending(conn)
    assert machine.set_drain(conn, "node1", True, ACTOR, "disk")
    assert not machine.set_drain(conn, "node1", True, ACTOR, "disk")
    assert machine.allocate(conn, [Placement(job_id, "node1", worker)]) == []
    machine.set_drain(conn, "node1", False, ACTOR, None)
    conn.execute(text("UPDATE workers SET ended_at = now()"))
    assert machine.allocate(conn, [Placement(job_id, "node1", worker)]) == []
    assert column(conn, job_id, "state") == "PENDING"


def test_hold_and_priority_are_for_waiting_jobs(conn: Connection, worker: int) -> None:
    job_id = pending(conn)
    assert machine.set_held(conn, [job_id], True, ACTOR, "wait for data")
    assert not machine.set_held(conn, [job_id], True, ACTOR, "wait for data")
    assert machine.allocate(conn, [Placement(job_id, "node1", worker)]) == []
    assert machine.set_priority(conn, [job_id], 7, ACTOR, None)
    assert not machine.set_priority(conn, [job_id], 7, ACTOR, None)
    busy, _ = running(conn, worker)
    assert not machine.set_held(conn, [busy], True, ACTOR, None)
    assert not machine.set_priority(conn, [busy], 7, ACTOR, None)


def test_resubmit_copies_a_final_job_and_points_back(conn: Connection, worker: int) -> None:
    job_id, allocation_id = running(conn, worker, name="train", arguments=("x",), priority=3)
    assert machine.resubmit(conn, job_id, ACTOR) is None
    machine.finish(conn, [completed(job_id, allocation_id)], "w")
    again = machine.resubmit(conn, job_id, ACTOR)
    assert again is not None
    row = conn.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": again}).one()
    assert (row.name, row.arguments, row.priority, row.resubmit_of, row.state) == ("train", ["x"], 3, job_id, "PENDING")
    assert column(conn, job_id, "state") == "COMPLETED"


def test_stuck_drains_the_node_once(conn: Connection, worker: int) -> None:
    job_id, allocation_id = running(conn, worker)
    assert machine.mark_stuck(conn, allocation_id, "worker:node1", "pid 1 in state D")
    assert not machine.mark_stuck(conn, allocation_id, "worker:node1", "pid 1 in state D")
    assert conn.scalar(text("SELECT drained FROM nodes"))
    assert live_allocations(conn, job_id) == 1


def test_over_capacity_grants_nothing(engine: Engine) -> None:
    with engine.begin() as conn:
        worker = add_node(conn, cpus=2)
        jobs = [pending(conn, cpus=1) for _ in range(3)]
    with pytest.raises(DatabaseError, match="has not that much free"), engine.begin() as conn:
        machine.allocate(conn, [Placement(job, "node1", worker) for job in jobs])
    with engine.begin() as conn:
        assert [column(conn, job, "state") for job in jobs] == ["PENDING"] * 3
        assert conn.scalar(text("SELECT cpus_allocated FROM nodes")) == 0

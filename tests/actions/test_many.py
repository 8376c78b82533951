"""Thousands of jobs that have no process are changed in a few transactions, each as if it were alone."""

import threading

import pytest

from jobwarden.backend.actions.results import CHUNK, LEFT_UNDONE, Context, ItemResult, Undo
from jobwarden.backend.database.driver import text
from jobwarden.backend.state import machine
from tests.support.actions import perform
from tests.support.processes import wait_until
from tests.support.rows import ACTOR, actions, column, request
from tests.support.scene import Scene

MANY = 2 * CHUNK + 1
CASES = {
    "cancel": ({}, ("PENDING", "CANCELLED")),
    "kill": ({}, ("PENDING", "FAILED")),
    "hold": ({}, ("PENDING", "PENDING")),
    "unhold": ({"held": True}, ("PENDING", "PENDING")),
    "priority": ({}, ("PENDING", "PENDING")),
}


def context(stage: Scene) -> Context:
    return Context(stage.engine, stage.settings, "op@desk")


def submit(stage: Scene, number: int, **fields: object) -> list[int]:
    with stage.engine.begin() as conn:
        return machine.submit(conn, [request(**fields)] * number, ACTOR)


def value_of(name: str) -> int | None:
    return 7 if name == "priority" else None


@pytest.mark.parametrize("name", CASES)
def test_many_are_changed_in_one_transaction_for_each_piece(stage: Scene, name: str) -> None:
    fields, (before, after) = CASES[name]
    ids = submit(stage, MANY, **fields)
    results = perform(context(stage), name, ids, "because", value=value_of(name))
    assert [(result.job_id, result.changed) for result in results] == [(job_id, True) for job_id in ids]
    with stage.engine.connect() as conn:
        assert conn.scalar(text("SELECT count(DISTINCT changed_xid) FROM jobs")) == 3
        assert actions(conn, ids[-1]) == [("submit", None, "PENDING"), (name, before, after)]
        said = conn.execute(text("SELECT DISTINCT actor, reason FROM events WHERE action = :name"), {"name": name})
        assert [tuple(row) for row in said] == [("op@desk", "because")]
    again = perform(context(stage), name, ids, "because", value=value_of(name))
    assert not any(result.changed for result in again)


def test_each_priority_is_taken_back_to_its_own(stage: Scene) -> None:
    first, second = *submit(stage, 1, priority=1), *submit(stage, 1, priority=2)
    results = perform(context(stage), "priority", [first, second], value=9)
    assert [(result.message, result.undo) for result in results] == [
        ("priority 1 > 9", Undo("priority", 1)),
        ("priority 2 > 9", Undo("priority", 2)),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hold", ItemResult(2, False, False, "was changed by somebody else meanwhile")),
        ("cancel", ItemResult(2, True, False, "became CANCELLED meanwhile, not by this request: nothing to do")),
    ],
)
def test_a_job_that_changes_in_between_is_told_of_and_no_other(stage: Scene, name: str, expected: ItemResult) -> None:
    """Judged while another operator's change is not committed yet, acted on when it is."""
    first, second, third = submit(stage, 3)
    found: list[ItemResult] = []
    with stage.engine.begin() as conn:
        machine.end_unstarted(conn, [second], "cancel", "first@desk", None)
        thread = threading.Thread(target=lambda: found.extend(perform(context(stage), name, [first, second, third])))
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        wait_until(lambda: stage.execute(waiting), what="the second operator at the lock")
    thread.join()
    assert [result.changed for result in found] == [True, False, True]
    assert found[1] == expected
    with stage.engine.connect() as conn:
        assert column(conn, second, "state") == "CANCELLED"
        assert [event[0] for event in actions(conn, second)] == ["submit", "cancel"]


def test_what_the_database_refuses_stops_no_other_job(stage: Scene) -> None:
    ids = submit(stage, 3)
    stage.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'job % stays' , OLD.id USING ERRCODE = 'JW001'; END $$"
    )
    stage.execute(
        f"CREATE TRIGGER refuse BEFORE UPDATE OF held ON jobs FOR EACH ROW WHEN (OLD.id = {ids[1]})"
        " EXECUTE FUNCTION refuse()"
    )
    results = perform(context(stage), "hold", ids)
    assert [(result.ok, result.message) for result in results] == [
        (True, "held"),
        (False, f"job {ids[1]} stays"),
        (True, "held"),
    ]


@pytest.mark.parametrize("name", CASES)
def test_a_stop_leaves_the_pieces_that_were_not_begun(stage: Scene, name: str) -> None:
    fields, _ = CASES[name]
    ids = submit(stage, MANY, **fields)
    seen: list[int] = []
    results = perform(
        context(stage), name, ids, value=value_of(name),
        progress=lambda step: seen.append(step.done), cancelled=lambda: bool(seen),
    )  # fmt: skip
    assert [result.changed for result in results] == [True] * CHUNK + [False] * (MANY - CHUNK)
    assert {result.message for result in results[CHUNK:]} == {LEFT_UNDONE}

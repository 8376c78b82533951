"""Each action applies to what it should, says why not, and does nothing the second time."""

import threading

import psutil
import pytest

from jobwarden.backend.actions.catalog import ACTIONS
from jobwarden.backend.actions.client import Operator
from jobwarden.backend.actions.job_actions import CHANGE, DO
from jobwarden.backend.actions.nodes import NodeResult, set_drain
from jobwarden.backend.actions.results import Context, ItemResult, current_actor
from jobwarden.backend.actions.targets import ActionRequest, Scope
from jobwarden.backend.cli.main import VERBS
from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.errors import InputError, Refused, Unavailable
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Outcome
from tests.support.actions import perform, plan
from tests.support.processes import is_gone, wait_until
from tests.support.rows import request
from tests.support.scene import Scene


def context(stage: Scene) -> Context:
    return Context(stage.engine, stage.settings, "op@desk")


def do(stage: Scene, name: str, job_id: int, *, force: bool = False, value: int | None = None) -> ItemResult:
    [result] = perform(context(stage), name, [job_id], "because", force, value=value)
    return result


def submit(stage: Scene, **fields: object) -> int:
    with stage.engine.begin() as conn:
        return machine.submit(conn, [request(**fields)], "tester@here")[0]


def test_the_table_and_the_verbs_agree() -> None:
    assert set(ACTIONS) <= set(VERBS)
    assert set(DO) | set(CHANGE) | {"cancel", "kill", "clean"} == set(ACTIONS)
    keys = [action.key for action in ACTIONS.values() if action.key]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(("name", "state"), [("cancel", "CANCELLED"), ("kill", "FAILED"), ("mark-failed", "FAILED")])
def test_a_waiting_job_is_ended_at_once(stage: Scene, name: str, state: str) -> None:
    job_id = submit(stage)
    assert do(stage, name, job_id).changed
    assert stage.state(job_id) == state
    again = do(stage, name, job_id)
    assert again == ItemResult(job_id, True, False, f"is already {state}: nothing to do")


def test_a_starting_job_is_ended_before_its_script(stage: Scene) -> None:
    job_id, _ = stage.allocate(stage.worker(alive=True))
    assert do(stage, "cancel", job_id).changed
    assert (stage.state(job_id), stage.held_allocations()) == ("CANCELLED", 0)


def test_the_owning_worker_ends_a_running_job_and_is_waited_for(stage: Scene) -> None:
    job = stage.run(stage.worker(alive=True))

    def worker() -> None:
        wait_until(lambda: stage.execute("SELECT count(*) FROM commands WHERE action = 'cancel' AND done_at IS NULL"))
        with stage.engine.begin() as conn:
            ended = Outcome(job.allocation_id, job.id, JobState.CANCELLED)
            machine.finish(conn, [ended], "worker:node1", "cancel")

    thread = threading.Thread(target=worker)
    thread.start()
    result = do(stage, "cancel", job.id)
    thread.join()
    assert (result.ok, result.changed) == (True, True)
    assert result.message.startswith("CANCELLED")


def test_who_asks_second_has_ended_nothing(stage: Scene) -> None:
    job = stage.run(stage.worker(alive=True))
    with stage.engine.begin() as conn:
        assert machine.request_end(conn, [job.id], "cancel", "first@desk", None)

    def worker() -> None:
        with stage.engine.begin() as conn:
            machine.finish(conn, [Outcome(job.allocation_id, job.id, JobState.CANCELLED)], "worker:node1", "cancel")

    waiting = lambda step: worker() if "waiting" in step.words else None  # noqa: E731
    [result] = perform(context(stage), "cancel", [job.id], progress=waiting)
    assert result == ItemResult(job.id, True, False, "became CANCELLED meanwhile, not by this request: nothing to do")


@pytest.mark.parametrize(("name", "columns"), [("cancel", ("CANCELLED", None)), ("kill", ("FAILED", "OPERATOR"))])
def test_the_job_of_a_dead_worker_is_ended_from_here(stage: Scene, name: str, columns: tuple[str, str | None]) -> None:
    job = stage.run(stage.worker())
    assert do(stage, name, job.id).changed
    assert is_gone(job.pid)
    assert stage.columns(job.id, "state", "failure_reason") == columns
    assert stage.held_allocations() == 0
    assert stage.events(job.id)[-1] == name


def test_the_job_of_a_dead_worker_elsewhere_waits_visibly(stage: Scene) -> None:
    job = stage.run(stage.worker(machine_id="elsewhere", boot_id="another"), boot_id="another")
    result = do(stage, "kill", job.id)
    assert (result.ok, result.changed) == (False, False)
    assert "dead" in result.message
    assert stage.execute("SELECT count(*) FROM commands WHERE done_at IS NULL") == 1
    assert not is_gone(job.pid)


def test_mark_failed_and_release_go_by_the_evidence(stage: Scene) -> None:
    job = stage.run(stage.worker())
    alive = do(stage, "mark-failed", job.id)
    assert (alive.ok, alive.changed) == (False, False)
    assert f"pid {job.pid}" in alive.message
    assert plan(context(stage), "mark-failed", [job.id]).ineligible == [(job.id, alive.message)]

    assert do(stage, "mark-failed", job.id, force=True).changed
    assert (stage.state(job.id), stage.held_allocations()) == ("FAILED", 1), "still alive: nothing is released"
    assert not do(stage, "release", job.id).ok
    for child in psutil.Process(job.pid).children(recursive=True):
        child.kill()
    job.ended()
    assert do(stage, "release", job.id).changed
    assert stage.held_allocations() == 0
    assert do(stage, "release", job.id).message == "holds nothing: nothing to do"


def test_mark_failed_with_proof_releases(stage: Scene) -> None:
    job = stage.run(stage.worker(), "exit 0\n")
    job.ended()
    assert do(stage, "mark-failed", job.id).changed
    assert (stage.state(job.id), stage.held_allocations()) == ("FAILED", 0)


def test_a_host_that_is_gone_for_good_takes_two_typed_overrides(stage: Scene) -> None:
    job = stage.run(stage.worker(machine_id="elsewhere", boot_id="another"), boot_id="another")
    assert not do(stage, "mark-failed", job.id).ok
    refused = plan(context(stage), "mark-failed", [job.id])
    assert ([job_id for job_id, _ in refused.ineligible], refused.protected, refused.ids) == ([job.id], [job.id], ())
    forced = plan(context(stage), "mark-failed", [job.id], force=True)
    assert (forced.ids, forced.ineligible, forced.protected) == ((job.id,), [], [])
    assert "although it may be alive on host" in forced.eligible[0].what_happens
    assert do(stage, "mark-failed", job.id, force=True).changed
    assert not do(stage, "release", job.id).ok
    assert do(stage, "release", job.id, force=True).changed
    assert stage.held_allocations() == 0


def test_a_screen_that_only_reads_is_refused_by_the_database(stage: Scene) -> None:
    job = submit(stage)
    screen = Operator(stage.settings, read_only=True)
    assert screen.plan(ActionRequest("cancel", Scope((job,)))).ids == (job,)
    for act in (
        lambda: screen.perform(ActionRequest("cancel", Scope((job,)))),
        lambda: screen.perform(ActionRequest("hold", Scope((job,)))),
        lambda: screen.set_drain("node1", True, None),
    ):
        with pytest.raises((Refused, Unavailable), match="read-only"):
            act()
    assert stage.state(job) == "PENDING"
    assert stage.execute("SELECT count(*) FROM events WHERE actor <> 'tester@here'") == 0


def test_release_is_for_final_jobs(stage: Scene) -> None:
    job = stage.run(stage.worker(alive=True))
    result = do(stage, "release", job.id, force=True)
    assert (result.ok, result.message) == (False, "is RUNNING, not finished: cancel or kill it first")
    assert stage.held_allocations() == 1


def test_hold_unhold_and_priority(stage: Scene) -> None:
    job_id = submit(stage)
    steps = [("hold", True), ("hold", False), ("unhold", True), ("unhold", False)]
    assert [do(stage, name, job_id).changed for name, _ in steps] == [changed for _, changed in steps]
    assert do(stage, "priority", job_id, value=5).message == "priority 0 > 5"
    assert not do(stage, "priority", job_id, value=5).changed
    assert stage.columns(job_id, "priority") == (5,)
    running = stage.run(stage.worker(alive=True))
    assert (
        do(stage, "hold", running.id).message == "is RUNNING: only PENDING jobs can be held, unheld or given a priority"
    )


def test_resubmit(stage: Scene) -> None:
    job_id = submit(stage, name="again")
    assert not do(stage, "resubmit", job_id).ok
    do(stage, "cancel", job_id)
    assert "as job" in do(stage, "resubmit", job_id).message
    assert stage.execute("SELECT name FROM jobs WHERE resubmit_of = :id", id=job_id) == "again"


def test_results_come_in_the_order_asked_for_and_once(stage: Scene) -> None:
    ids = [submit(stage) for _ in range(3)]
    results = perform(context(stage), "cancel", [ids[2], 999, ids[0], ids[2]], None)
    assert [result.job_id for result in results] == [ids[2], 999, ids[0]]
    assert [result.ok for result in results] == [True, False, True]
    assert stage.state(ids[1]) == "PENDING"


@pytest.mark.parametrize("name", ACTIONS)
def test_no_plan_writes_anything(stage: Scene, name: str) -> None:
    job, waiting = stage.run(stage.worker()), submit(stage)
    count = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM commands)"
    before = stage.execute(count)
    plan(context(stage), name, [job.id, waiting, 999])
    assert stage.execute(count) == before
    assert (stage.state(job.id), stage.state(waiting)) == ("RUNNING", "PENDING")


def test_a_refusal_of_the_database_is_a_result(stage: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = submit(stage)

    def guarded(conn: Connection, *_: object) -> ItemResult:
        conn.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": job_id})
        raise AssertionError

    monkeypatch.setitem(DO, "mark-failed", guarded)
    result = do(stage, "mark-failed", job_id)
    assert not result.ok
    assert "cancel it before deleting it" in result.message


def test_drain_and_resume(stage: Scene) -> None:
    def drain(drained: bool, name: str = "node1") -> NodeResult:
        return set_drain(stage.engine, name, drained, "op@desk", "disk")

    assert drain(True).message == "node node1 drained: running jobs go on, no new ones start"
    assert drain(True) == NodeResult("node1", False, "node node1 is drained already: nothing to do", True)
    again = drain(False)
    assert again == NodeResult("node1", True, "node node1 takes jobs again (it was drained: disk)", True, "disk")
    assert drain(False) == NodeResult("node1", False, "node node1 takes jobs already: nothing to do", False)
    with pytest.raises(InputError, match="did you mean node1"):
        drain(True, "nod1")


def test_the_actor_is_user_at_host() -> None:
    user, _, host = current_actor().partition("@")
    assert user
    assert host


@pytest.mark.parametrize("name", ["mark-failed", "release"])
def test_what_runs_on_a_clone_of_this_host_keeps_its_resources(stage: Scene, name: str) -> None:
    """The same machine id with another boot and another name is another host, where the job may be alive."""
    job = stage.run(stage.worker(boot_id="another", hostname="clone"), boot_id="another")
    result = do(stage, name, job.id)
    assert not result.ok
    assert (stage.state(job.id), stage.held_allocations(), is_gone(job.pid)) == ("RUNNING", 1, False)
    if name == "mark-failed":
        assert "host clone" in result.message


def test_cleaning_up_leaves_what_runs_on_a_clone_of_this_host(stage: Scene) -> None:
    job = stage.run(stage.worker(boot_id="another", hostname="clone"), boot_id="another")
    [result] = perform(context(stage), "clean", [job.id], "because")
    assert (result.ok, "host clone" in result.message) == (False, True)
    assert (stage.state(job.id), stage.held_allocations(), is_gone(job.pid)) == ("RUNNING", 1, False)

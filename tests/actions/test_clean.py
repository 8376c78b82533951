"""Clean-up does to each kind what it should, once, and judges anew when it acts."""

import threading

import pytest

from jobwarden.backend.actions.results import Context, ItemResult, ResultTally
from jobwarden.backend.actions.takeover import AuditedAction, take_over
from jobwarden.backend.actions.targets import Scope
from jobwarden.backend.database.driver import text
from jobwarden.backend.database.engine import ALLOCATION_LOCK, allocation_key, try_session_lock
from jobwarden.backend.errors import InputError
from jobwarden.backend.process.procfs import scan
from tests.support.actions import perform, plan
from tests.support.processes import is_gone, wait_until
from tests.support.scene import Running, Scene

STUBBORN = "trap '' TERM\necho ready\nwhile :; do sleep 1; done\n"


def context(stage: Scene) -> Context:
    return Context(stage.engine, stage.settings, "op@desk")


def clean(stage: Scene, *ids: int) -> list[ItemResult]:
    return perform(context(stage), "clean", ids, "test")


def left_of(stage: Scene, job: Running) -> list[int]:
    cookie = stage.execute("SELECT cookie FROM resource_allocations WHERE id = :id", id=job.allocation_id)
    return [process.pid for process in scan().cookies.get(cookie, ())]


def test_orphan_is_ended_recorded_and_released(stage: Scene) -> None:
    job = stage.run(stage.worker(), "setsid sleep 600 &\nexec sleep 600\n")
    [result] = clean(stage, job.id)
    assert (result.ok, result.changed) == (True, True)
    assert is_gone(job.pid)
    assert left_of(stage, job) == []
    assert stage.columns(job.id, "state", "failure_reason", "exit_signal") == ("FAILED", "OPERATOR", 15)
    assert stage.held_allocations() == 0
    assert stage.events(job.id)[-1] == "clean"
    said = "SELECT concat_ws(' ', actor, reason, detail->>'kind') FROM events WHERE action = 'clean'"
    assert stage.execute(said) == "op@desk test ORPHAN"


def test_orphan_that_ignores_term(stage: Scene) -> None:
    job = stage.run(stage.worker(), STUBBORN)
    job.said("ready")
    clean(stage, job.id)
    assert stage.columns(job.id, "state", "exit_signal") == ("FAILED", 9)


def test_orphan_over_its_time_limit_is_a_timeout(stage: Scene) -> None:
    job = stage.run(stage.worker(), time_limit=5)
    stage.overrun(job.id, 60)
    clean(stage, job.id)
    assert stage.columns(job.id, "state", "failure_reason") == ("FAILED", "TIMEOUT")


def test_orphan_whose_script_had_ended_keeps_its_outcome(stage: Scene) -> None:
    job = stage.run(stage.worker(), "setsid sleep 600 &\nexit 0\n")
    job.has_record()
    clean(stage, job.id)
    assert stage.columns(job.id, "state", "exit_code") == ("COMPLETED", 0)
    assert left_of(stage, job) == []


def test_lost_unrecorded_leaked_and_never_started(stage: Scene) -> None:
    dead = stage.worker()
    lost, unrecorded = stage.run(dead, "kill -9 $PPID; exec true\n"), stage.run(dead, "exit 7\n")
    leaked = stage.finished(dead, script="exit 0\n")
    unstarted, _ = stage.allocate(dead)
    for job in (lost, unrecorded, leaked):
        job.ended()
    wait_until(lambda: left_of(stage, lost) == [])
    results = clean(stage, lost.id, unrecorded.id, leaked.id, unstarted)
    assert [result.changed for result in results] == [True] * 4
    assert stage.columns(lost.id, "state", "failure_reason", "exit_code") == ("FAILED", "WORKER_LOST", None)
    assert stage.columns(unrecorded.id, "state", "failure_reason", "exit_code") == ("FAILED", "SCRIPT_ERROR", 7)
    assert stage.state(leaked.id) == "FAILED"
    assert stage.state(unstarted) == "PENDING"
    assert stage.held_allocations() == 0


def test_reboot(stage: Scene) -> None:
    job = stage.run(stage.worker(), boot_id="before")
    clean(stage, job.id)
    assert stage.columns(job.id, "state", "failure_reason") == ("FAILED", "HOST_REBOOT")
    assert not is_gone(job.pid), "what has this pid on this boot is a stranger"


def test_strays_are_killed_and_the_final_state_stays(stage: Scene) -> None:
    worker = stage.worker(alive=True)
    kept, released = stage.finished(worker), stage.finished(worker, "CANCELLED")
    stage.execute("UPDATE resource_allocations SET released = true WHERE job_id = :id", id=released.id)
    assert all(result.changed for result in clean(stage, kept.id, released.id))
    assert is_gone(kept.pid)
    assert is_gone(released.pid)
    assert (stage.state(kept.id), stage.state(released.id)) == ("FAILED", "CANCELLED")
    assert stage.held_allocations() == 0
    assert stage.events(kept.id)[-1] == "release"
    assert stage.events(released.id)[-1] == "clean"


def test_overdue_is_left_to_its_worker_who_is_asked(stage: Scene) -> None:
    job = stage.run(stage.worker(alive=True), time_limit=5)
    stage.overrun(job.id, 3600)
    assert clean(stage, job.id)[0].changed
    assert stage.execute("SELECT action FROM commands WHERE done_at IS NULL") == "kill"
    assert not is_gone(job.pid)


def test_unreachable_and_stuck_are_not_touched(stage: Scene) -> None:
    far = stage.run(stage.worker(machine_id="elsewhere", boot_id="another"), boot_id="another")
    stuck = stage.run(stage.worker())
    stage.execute("UPDATE resource_allocations SET stuck = 'why' WHERE job_id = :id", id=stuck.id)
    results = clean(stage, far.id, stuck.id)
    assert [(result.ok, result.changed) for result in results] == [(False, False)] * 2
    assert "host host" in results[0].message
    assert not is_gone(far.pid)
    assert not is_gone(stuck.pid)
    assert stage.held_allocations() == 2


def test_again_changes_nothing(stage: Scene) -> None:
    job = stage.run(stage.worker())
    clean(stage, job.id)
    before = stage.events(job.id)
    [result] = clean(stage, job.id)
    assert (result.ok, result.changed) == (True, False)
    assert stage.events(job.id) == before


def test_a_job_that_a_live_worker_took_over_is_left_to_it(stage: Scene) -> None:
    """Between the list and the action a new worker has adopted the job."""
    job = stage.run(stage.worker())
    assert plan(context(stage), "clean", [job.id]).eligible
    new = stage.worker(alive=True)
    stage.execute("UPDATE resource_allocations SET worker_id = :new WHERE job_id = :id", new=new, id=job.id)
    tally = ResultTally([job.id])
    take_over(context(stage), [job.allocation_id], AuditedAction("clean", None), tally)
    [result] = tally.results()
    assert (result.ok, result.changed) == (True, False)
    assert "owns it now" in result.message
    assert not is_gone(job.pid)


def test_whoever_comes_second_leaves_it_alone(stage: Scene) -> None:
    job = stage.run(stage.worker())
    with stage.engine.connect().autocommit() as other:
        assert try_session_lock(other, ALLOCATION_LOCK, allocation_key(job.allocation_id))
        [result] = clean(stage, job.id)
        assert "another clean-up" in result.message
        assert not is_gone(job.pid)
    stage.engine.dispose()
    assert clean(stage, job.id)[0].changed


def test_two_operators_at_once_act_once(stage: Scene) -> None:
    dead = stage.worker()
    jobs = [stage.run(dead) for _ in range(8)]
    results: list[ItemResult] = []
    operators = [
        threading.Thread(target=lambda: results.extend(clean(stage, *(job.id for job in jobs)))) for _ in range(2)
    ]
    for operator in operators:
        operator.start()
    for operator in operators:
        operator.join()
    assert all(result.ok for result in results)
    assert sum(result.changed for result in results) == len(jobs)
    with stage.engine.connect() as conn:
        finals = conn.scalar(text("SELECT count(*) FROM events WHERE to_state = 'FAILED'"))
    assert finals == len(jobs)


def test_a_dry_run_writes_nothing(stage: Scene) -> None:
    job = stage.run(stage.worker())
    before = stage.events(job.id)
    planned = plan(context(stage), "clean", [job.id, 999])
    assert [victim.job_id for victim in planned.eligible] == [job.id]
    assert "ORPHAN" in planned.eligible[0].what_happens
    assert planned.ineligible == [(999, "is not an anomaly: nothing to do")]
    assert stage.events(job.id) == before
    assert not is_gone(job.pid)


def test_a_filter_of_what_is_wrong_leaves_the_others_alone(stage: Scene) -> None:
    dead = stage.worker()
    lost, unrecorded = stage.run(dead, "kill -9 $PPID; exec true\n"), stage.run(dead, "exit 7\n")
    for job in (lost, unrecorded):
        job.ended()
    wait_until(lambda: left_of(stage, lost) == [])
    scope = Scope(filter="kind:unrecorded")
    assert plan(context(stage), "clean", scope).ids == (unrecorded.id,)
    results = perform(context(stage), "clean", scope, "test")
    assert [(result.job_id, result.changed) for result in results] == [(unrecorded.id, True)]
    assert (stage.state(lost.id), stage.state(unrecorded.id)) == ("RUNNING", "FAILED")
    with pytest.raises(InputError, match="only works for anomalies"):
        plan(context(stage), "kill", Scope(filter="kind:lost"))


def test_what_keeps_the_jobs_is_said_before_they_are_ended(stage: Scene) -> None:
    for _ in range(2):
        stage.run(stage.worker())
    planned = plan(context(stage), "clean", Scope(filter=""))
    assert planned.instead == [
        "to keep 2 jobs running, restart the worker of node1 instead: `jobwarden worker --node node1`"
    ]


def test_where_nothing_lives_there_is_nothing_to_keep(stage: Scene) -> None:
    stage.run(stage.worker(), "exit 0\n").ended()
    planned = plan(context(stage), "clean", Scope(filter=""))
    assert planned.eligible
    assert planned.instead == []

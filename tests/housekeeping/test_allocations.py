"""Stale allocations are released with proof, and nothing else is touched."""

from __future__ import annotations

from jobwarden.backend.actions.results import Context, ResultTally
from jobwarden.backend.actions.takeover import AuditedAction, take_over
from jobwarden.backend.housekeeping.allocations import PROVEN_GONE
from jobwarden.backend.housekeeping.records import CleanupStep, Limits
from tests.housekeeping.conftest import Past
from tests.support.processes import is_gone


def test_what_is_provably_over_is_released_and_what_lives_is_not(past: Past) -> None:
    dead = past.stage.worker()
    leaked, lost, recorded = past.stage.run(dead), past.stage.run(dead), past.stage.run(dead, "exit 3\n")
    alive, stray = past.stage.run(dead), past.stage.finished(dead)
    never_started, _ = past.stage.allocate(dead)
    past.vanish(leaked)
    past.vanish(lost)
    past.stage.execute("UPDATE jobs SET state = 'CANCELLED' WHERE id = :id", id=leaked.id)
    recorded.ended()

    report = past.step(CleanupStep.ALLOCATIONS)
    assert (report.count, report.failed) == (4, ())
    assert past.stage.state(leaked.id) == "CANCELLED"
    assert past.stage.columns(lost.id, "state", "failure_reason") == ("FAILED", "WORKER_LOST")
    assert past.stage.columns(recorded.id, "state", "exit_code") == ("FAILED", 3)
    assert past.stage.state(never_started) == "PENDING"
    assert past.stage.state(alive.id) == "RUNNING"
    assert not is_gone(alive.pid)
    assert not is_gone(stray.pid)
    left = past.step(CleanupStep.ALLOCATIONS).left
    assert [line.split(" (")[0] for line in left] == [f"job {alive.id} is ORPHAN", f"job {stray.id} is STRAY"]


def test_only_what_is_stale_long_enough(past: Past) -> None:
    dead = past.stage.worker()
    young, old = past.stage.run(dead), past.stage.run(dead)
    for job, hours in ((young, 1), (old, 50)):
        past.vanish(job)
        past.end(job.id, hours, release=False)
    report = past.step(CleanupStep.ALLOCATIONS, Limits(48, 1000))
    assert (report.count, report.failed) == (1, ())
    assert past.stage.execute("SELECT job_id FROM resource_allocations WHERE NOT released") == young.id


def test_allocations_of_other_hosts_are_reported_and_never_guessed(past: Past) -> None:
    far = past.stage.run(past.stage.worker(machine_id="elsewhere", boot_id="another"), boot_id="another")
    report = past.step(CleanupStep.ALLOCATIONS)
    assert report.count == 0
    assert "UNREACHABLE" in report.left[0]
    assert "host host" in report.left[0]
    assert past.stage.state(far.id) == "RUNNING"


def test_a_job_of_a_live_worker_is_none_of_its_business(past: Past) -> None:
    running = past.stage.run(past.stage.worker(alive=True))
    assert past.run().steps[0].left == ()
    assert past.stage.state(running.id) == "RUNNING"


def test_a_dry_run_predicts_and_writes_nothing(past: Past) -> None:
    _, _ = past.stage.allocate(past.stage.worker())
    events = past.count("events")
    planned = past.step(CleanupStep.ALLOCATIONS, dry_run=True)
    assert (planned.count, past.count("events"), past.stage.held_allocations()) == (1, events, 1)
    assert past.step(CleanupStep.ALLOCATIONS).count == 1


def test_what_has_become_another_kind_by_the_time_of_acting_is_left(past: Past) -> None:
    """Seen as LEAKED, alive when it is acted on: a job is never ended by a clean-up at night."""
    stray = past.stage.finished(past.stage.worker())
    tally = ResultTally([stray.id])
    action = AuditedAction("clean", None, only=PROVEN_GONE)
    take_over(Context(past.engine, past.settings, "t@h"), [stray.allocation_id], action, tally)
    [result] = tally.results()
    assert (result.changed, result.message) == (False, "is STRAY by now: left alone")
    assert not is_gone(stray.pid)

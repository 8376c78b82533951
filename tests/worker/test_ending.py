"""Time limits, cancel and kill: what is ended ends whole, and is recorded for what ended it."""

import signal

from jobwarden.backend.process.identity import elapsed_seconds
from jobwarden.backend.queue import doorbell
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Placement
from tests.support.processes import wait_until
from tests.worker.farm import Farm, alive, go, hang

STUBBORN = """trap '' TERM
setsid sh -c 'trap "" TERM; echo $$ > escaped; while :; do sleep 0.1; done' &
echo $$ > pid
while :; do sleep 0.1; done"""
"""Shell: ignores TERM, and so does a child in a session of its own."""


def test_a_time_limit_ends_the_whole_tree(farm: Farm) -> None:
    farm.worker()
    job = farm.submit(STUBBORN, time_limit=1)
    script, escaped = farm.number("pid"), farm.number("escaped")
    row = farm.ended(job)
    assert (row.state, row.failure_reason, row.exit_signal) == ("FAILED", "TIMEOUT", signal.SIGKILL)
    assert not alive(script) and not alive(escaped)
    assert (row.end_time - row.start_time).total_seconds() >= 1


def test_a_time_limit_that_passed_while_no_worker_lived_is_enforced_by_the_next(farm: Farm) -> None:
    worker = farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid", time_limit=2)
    allocation, script = farm.started(job), farm.number("pid")
    worker.kill()
    wait_until(lambda: elapsed_seconds(allocation.process_start) > 2.1)
    assert alive(script)
    farm.worker()
    row = farm.ended(job)
    assert (row.failure_reason, row.exit_signal, alive(script)) == ("TIMEOUT", signal.SIGTERM, False)


def test_a_restarted_worker_still_ends_a_job_at_its_limit(farm: Farm) -> None:
    worker = farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid", time_limit=6)
    allocation = farm.started(job)
    worker.kill()
    farm.worker()
    assert elapsed_seconds(allocation.process_start) < 6, "this machine is too slow for this test"
    row = farm.ended(job)
    assert row.failure_reason == "TIMEOUT"
    assert (row.end_time - row.start_time).total_seconds() >= 5.9


def test_what_ended_before_its_limit_was_noticed_keeps_its_outcome(farm: Farm) -> None:
    worker = farm.worker()
    job, file = farm.submit_waiting(time_limit=1)
    allocation = farm.started(job)
    worker.kill()
    go(file, 0)
    farm.gone(allocation.process_id)
    wait_until(lambda: elapsed_seconds(allocation.process_start) > 1.5)
    farm.worker()
    assert farm.ended(job).state == "COMPLETED"


def test_cancel_ends_a_running_job(farm: Farm) -> None:
    farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    farm.started(job)
    script = farm.number("pid")
    farm.end(job, "cancel")
    row = farm.ended(job)
    assert (row.state, row.failure_reason, row.exit_signal) == ("CANCELLED", None, signal.SIGTERM)
    assert not alive(script)
    event = farm.rows("SELECT * FROM events WHERE job_id = :job ORDER BY id DESC LIMIT 1", job=job)[0]
    assert (event.action, event.actor, event.reason) == ("cancel", "op@desk", "test")
    assert farm.scalar("SELECT result FROM commands WHERE job_id = :job", job=job) == "cancelled"


def test_kill_ends_a_job_that_ignores_term_and_what_escaped_from_its_session(farm: Farm) -> None:
    farm.worker()
    job = farm.submit(STUBBORN)
    script, escaped = farm.number("pid"), farm.number("escaped")
    farm.end(job, "kill")
    row = farm.ended(job)
    assert (row.state, row.failure_reason, row.exit_signal) == ("FAILED", "OPERATOR", signal.SIGKILL)
    assert not alive(script) and not alive(escaped)


def test_a_cancelled_job_may_clean_up_in_its_grace(farm: Farm) -> None:
    farm.worker(JOBWARDEN_KILL_GRACE_SECONDS="30")
    job = farm.submit('trap "echo tidied; exit 5" TERM\necho $$ > pid\nwhile :; do sleep 0.05; done')
    farm.number("pid")
    farm.end(job, "cancel")
    row = farm.ended(job)
    assert (row.state, row.exit_code) == ("CANCELLED", 5)
    assert farm.log(job).endswith(b"tidied\n")


def test_a_command_waits_for_the_next_worker(farm: Farm) -> None:
    worker = farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    farm.started(job)
    script = farm.number("pid")
    worker.kill()
    farm.end(job, "kill")
    assert alive(script)
    farm.worker()
    assert farm.ended(job).failure_reason == "OPERATOR"
    assert not alive(script)


def test_a_job_cancelled_while_pending_never_runs(farm: Farm) -> None:
    job = farm.submit("echo run >> runs")
    later = farm.submit("echo later >> runs")
    with farm.engine.begin() as conn:
        assert machine.end_unstarted(conn, [job], "cancel", "op@desk", "test")
    farm.worker()
    assert farm.ended(later).state == "COMPLETED"
    assert (farm.job(job).state, (farm.work / "runs").read_text()) == ("CANCELLED", "later\n")


def test_a_job_cancelled_while_starting_never_runs(farm: Farm, redis_url: str) -> None:
    worker = farm.worker()
    resume = hang(worker.pid)
    with farm.engine.begin() as conn:
        job, later = machine.submit(conn, [farm.request("echo $JOBWARDEN_JOB_ID >> runs")] * 2, "tester")
        granted = machine.allocate(conn, [Placement(each, "node1", worker.id) for each in (job, later)])
    with farm.engine.begin() as conn:
        assert machine.end_unstarted(conn, [job], "cancel", "op@desk", "test")
    with doorbell.connect(redis_url) as redis:
        doorbell.ring(redis, "node1", [allocation for allocation, _, _ in granted])
    resume()
    assert farm.ended(later).state == "COMPLETED"
    assert farm.ended(job).state == "CANCELLED"
    assert (farm.work / "runs").read_text() == f"{later}\n"


def test_the_end_of_one_job_leaves_its_neighbours_alone(farm: Farm) -> None:
    farm.worker()
    victim, _ = farm.submit_waiting(name="one")
    neighbour, file = farm.submit_waiting(name="two")
    farm.started(victim)
    farm.started(neighbour)
    farm.end(victim, "kill")
    farm.ended(victim)
    assert farm.job(neighbour).state == "RUNNING"
    go(file)
    assert farm.ended(neighbour).state == "COMPLETED"

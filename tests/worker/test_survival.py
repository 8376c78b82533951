"""Jobs outlive their worker, and the next worker tells the truth about them."""

import os
import signal
from functools import partial

from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Placement
from tests.support.processes import wait_until
from tests.worker.farm import UNTIL_GO, Farm, alive, go


def test_a_job_goes_on_under_the_next_worker(farm: Farm) -> None:
    old = farm.worker()
    job, file = farm.submit_waiting("echo run >> runs; echo before; echo $$ > pid")
    shim, script = farm.started(job).process_id, farm.number("pid")
    old.kill()
    assert {w["id"]: w["state"] for w in farm.cli("workers", "--json").json} == {old.id: "DEAD"}
    new = farm.worker()
    assert {w["id"]: w["state"] for w in farm.cli("workers", "--json").json} == {old.id: "DEAD", new.id: "ONLINE"}
    assert alive(shim) and alive(script)
    allocation = farm.allocation(job)
    assert (allocation.process_id, allocation.worker_id, farm.job(job).state) == (shim, new.id, "RUNNING")
    go(file, 3)
    row = farm.ended(job)
    assert (row.state, row.failure_reason, row.exit_code, row.exit_signal) == ("FAILED", "SCRIPT_ERROR", 3, None)
    assert farm.log(job) == b"before\n"
    assert (farm.work / "runs").read_text() == "run\n"
    assert farm.events(job) == ["submit", "allocate", "start", "adopt", "finish"]


def test_output_written_while_no_worker_lives_is_in_the_log(farm: Farm) -> None:
    worker = farm.worker()
    again = farm.work / "again"
    job, file = farm.submit_waiting(f'echo one\nuntil [ -e "{again}" ]; do sleep 0.05; done\necho two; echo x > said')
    farm.started(job)
    worker.kill()
    go(again)
    wait_until((farm.work / "said").exists)
    farm.worker()
    go(file)
    assert farm.ended(job).state == "COMPLETED"
    assert farm.log(job) == b"one\ntwo\n"


def test_what_ended_while_no_worker_lived_is_recorded_as_it_was(farm: Farm) -> None:
    worker = farm.worker()
    failing, file = farm.submit_waiting()
    fine, other = farm.submit_waiting(name="other")
    crashing = farm.submit(f"{UNTIL_GO}kill -SEGV $$", str(file))
    shims = [farm.started(job).process_id for job in (failing, fine, crashing)]
    worker.kill()
    go(file, 7)
    go(other)
    farm.gone(*shims)
    ends = {job: farm.recorded(job).end_ns / 1e9 for job in (failing, fine, crashing)}
    new = farm.worker()
    began = farm.scalar("SELECT started_at FROM workers WHERE id = :id", id=new.id)
    expected = {failing: ("FAILED", 7, None), fine: ("COMPLETED", 0, None), crashing: ("FAILED", None, signal.SIGSEGV)}
    for job, outcome in expected.items():
        row = farm.ended(job)
        assert (row.state, row.exit_code, row.exit_signal) == outcome
        assert abs(row.end_time.timestamp() - ends[job]) < 1e-3
        assert row.end_time < began


def test_what_died_without_a_status_is_lost_and_never_guessed(farm: Farm) -> None:
    worker = farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    shim, script = farm.started(job).process_id, farm.number("pid")
    worker.kill()
    farm.kill_processes(shim, script)
    farm.worker()
    row = farm.ended(job)
    assert (row.state, row.failure_reason, row.exit_code) == ("FAILED", "WORKER_LOST", None)
    assert "without an exit status" in row.error_msg


def test_what_a_dead_supervisor_left_behind_is_ended_by_the_next_worker(farm: Farm) -> None:
    worker = farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    shim, script = farm.started(job).process_id, farm.number("pid")
    worker.kill()
    farm.kill_processes(shim)
    assert alive(script)
    farm.worker()
    assert farm.ended(job).failure_reason == "WORKER_LOST"
    farm.gone(script)


def test_without_its_supervisor_the_rest_of_a_job_is_ended(farm: Farm) -> None:
    farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    shim, script = farm.started(job).process_id, farm.number("pid")
    farm.kill_processes(shim)
    row = farm.ended(job)
    assert not alive(script)
    assert (row.state, row.failure_reason) == ("FAILED", "WORKER_LOST")


def test_a_job_from_before_a_reboot_failed_by_it(farm: Farm) -> None:
    worker = farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    shim, script = farm.started(job).process_id, farm.number("pid")
    worker.kill()
    farm.kill_processes(shim, script)
    farm.forge("UPDATE resource_allocations SET boot_id = 'the boot before' WHERE job_id = :job", job=job)
    farm.worker()
    row = farm.ended(job)
    assert (row.state, row.failure_reason) == ("FAILED", "HOST_REBOOT")


def test_a_stranger_with_the_pid_of_a_lost_job_is_left_alone(farm: Farm) -> None:
    worker = farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    shim, script = farm.started(job).process_id, farm.number("pid")
    worker.kill()
    farm.kill_processes(shim, script)
    stranger, file = farm.work / "stranger", farm.work / "stop"
    # As after a wrap of pids: the number belongs to somebody else, who started at another time.
    other = os.posix_spawn("/bin/sh", ["sh", "-c", f"echo > {stranger}; {UNTIL_GO}", "sh", str(file)], os.environ)
    try:
        wait_until(stranger.exists)
        farm.forge("UPDATE resource_allocations SET process_id = :pid WHERE job_id = :job", pid=other, job=job)
        farm.worker()
        assert farm.ended(job).failure_reason == "WORKER_LOST"
        assert alive(other)
    finally:
        file.touch()
        os.waitpid(other, 0)


def test_a_claim_without_a_process_goes_back_to_the_queue(farm: Farm) -> None:
    old = farm.worker()
    old.kill()
    with farm.engine.begin() as conn:
        [job] = machine.submit(conn, [farm.request("echo run >> runs")], "tester")
        [(allocation, _, _)] = machine.allocate(conn, [Placement(job, "node1", old.id)])
        assert len(machine.claim(conn, old.id, [allocation])) == 1
    farm.worker()
    assert farm.ended(job).state == "COMPLETED"
    assert (farm.work / "runs").read_text() == "run\n"
    assert farm.events(job) == ["submit", "allocate", "requeue", "allocate", "start", "finish"]
    assert farm.allocation(job).id > allocation


def has_begun(farm: Farm, least: int) -> bool:
    """Whether at least so many jobs were started."""
    return bool(farm.scalar("SELECT count(*) FROM jobs WHERE start_time IS NOT NULL") >= least)


def test_nothing_is_lost_and_nothing_runs_twice_however_often_the_worker_dies(farm: Farm) -> None:
    script = 'echo "$JOBWARDEN_JOB_ID" >> runs; sleep 0.3; exit $((JOBWARDEN_JOB_ID % 3))'
    with farm.engine.begin() as conn:
        jobs = machine.submit(conn, [farm.request(script) for _ in range(60)], "tester")
    for least in (1, 20, 40):
        worker = farm.worker(JOBWARDEN_NODE_CPUS="6")
        wait_until(partial(has_begun, farm, least), 60.0, "jobs to start")
        worker.kill()
    farm.worker()
    outcomes = {job: (farm.ended(job).state, farm.job(job).exit_code) for job in jobs}
    assert outcomes == {job: ("FAILED" if job % 3 else "COMPLETED", job % 3) for job in jobs}
    assert sorted(map(int, (farm.work / "runs").read_text().split())) == jobs
    assert farm.scalar("SELECT cpus_allocated FROM nodes") == 0


def test_an_adopted_job_can_be_cancelled(farm: Farm) -> None:
    worker = farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    farm.started(job)
    script = farm.number("pid")
    worker.kill()
    farm.worker()
    farm.end(job, "cancel")
    row = farm.ended(job)
    assert (row.state, row.exit_signal, alive(script)) == ("CANCELLED", signal.SIGTERM, False)

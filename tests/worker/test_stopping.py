"""Stopping a worker, draining it, and two that want the same node."""

import signal

from tests.support.processes import wait_until
from tests.worker.farm import PATIENCE, Farm, alive, go, hang


def test_term_leaves_jobs_running_for_the_next_worker(farm: Farm) -> None:
    old = farm.worker()
    job, file = farm.submit_waiting("echo run >> runs")
    shim = farm.started(job).process_id
    assert old.term() == 0
    assert alive(shim)
    assert farm.job(job).state == "RUNNING"
    [row] = farm.cli("workers", "--json").json
    assert (row["id"], row["state"], row["end_reason"]) == (old.id, "DEAD", "stopped")
    new = farm.worker()
    assert farm.allocation(job).worker_id == new.id
    go(file)
    assert farm.ended(job).state == "COMPLETED"
    assert (farm.work / "runs").read_text() == "run\n"


def test_interrupt_stops_as_term_does(farm: Farm) -> None:
    worker = farm.worker()
    worker.send(signal.SIGINT)
    assert worker.wait() == 0
    assert "Traceback" not in worker.said


def test_drain_on_exit_waits_for_the_running_and_takes_no_more(farm: Farm) -> None:
    worker = farm.worker("--drain-on-exit")
    job, file = farm.submit_waiting()
    farm.started(job)
    worker.send(signal.SIGTERM)
    wait_until(lambda: farm.scalar("SELECT draining FROM workers"), PATIENCE)
    assert farm.cli("workers", "--json").json[0]["state"] == "DRAINING"
    late = farm.submit("echo late")
    assert worker.process.poll() is None
    go(file, 4)
    assert worker.wait() == 0
    assert (farm.job(job).state, farm.job(job).exit_code) == ("FAILED", 4)
    assert farm.job(late).state == "PENDING"
    farm.worker()
    assert farm.ended(late).state == "COMPLETED"


def test_a_second_term_ends_the_draining(farm: Farm) -> None:
    worker = farm.worker("--drain-on-exit")
    job, _ = farm.submit_waiting()
    shim = farm.started(job).process_id
    worker.send(signal.SIGTERM)
    wait_until(lambda: "draining" in worker.said, PATIENCE)
    assert worker.term() == 0
    assert alive(shim)
    assert farm.job(job).state == "RUNNING"


def test_a_node_has_one_worker(farm: Farm) -> None:
    worker = farm.worker()
    second = farm.cli("worker", "--node", "node1")
    assert (second.code, second.out) == (1, "")
    assert second.err.count("\n") == 1
    assert f"node node1 already has worker {worker.id} (pid {worker.pid}" in second.err
    assert "Traceback" not in second.err
    assert worker.process.poll() is None
    assert [w["state"] for w in farm.cli("workers", "--json").json] == ["ONLINE"]


def test_a_worker_that_slept_past_its_lease_and_was_replaced_stops_by_itself(farm: Farm) -> None:
    old = farm.worker()
    job, file = farm.submit_waiting("echo run >> runs")
    farm.started(job)
    resume = hang(old.pid)
    wait_until(lambda: farm.cli("workers", "--json").json[0]["state"] == "DEAD", PATIENCE, "the lease to end")
    # What the server's keepalives do to a host that does not answer any more.
    farm.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'jobwarden worker%' AND datname = current_database()"
    )
    new = farm.worker()
    assert farm.allocation(job).worker_id == new.id
    late = farm.submit("echo late >> runs")
    assert farm.ended(late).state == "COMPLETED"
    resume()
    assert old.wait() == 1
    assert "superseded" in old.said
    assert "Traceback" not in old.said
    go(file)
    assert farm.ended(job).state == "COMPLETED"
    assert (farm.work / "runs").read_text() == "run\nlate\n"
    assert farm.events(job).count("finish") == 1
    assert {w["id"]: w["state"] for w in farm.cli("workers", "--json").json} == {old.id: "DEAD", new.id: "ONLINE"}


def test_a_worker_that_slept_past_its_lease_unreplaced_goes_on(farm: Farm) -> None:
    worker = farm.worker()
    job, file = farm.submit_waiting()
    farm.started(job)
    resume = hang(worker.pid)
    wait_until(lambda: farm.cli("workers", "--json").json[0]["state"] == "DEAD", PATIENCE, "the lease to end")
    resume()
    wait_until(lambda: farm.cli("workers", "--json").json[0]["state"] == "ONLINE", PATIENCE, "the next heartbeat")
    go(file)
    assert farm.ended(job).state == "COMPLETED"


def test_a_worker_survives_what_is_typed_in_sql_and_leaves_the_process_alone(farm: Farm) -> None:
    worker = farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    farm.started(job)
    script = farm.number("pid")
    farm.execute("UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id=:job", job=job)
    farm.execute("UPDATE resource_allocations SET released=TRUE WHERE job_id=:job", job=job)
    typed = farm.job(job)
    assert (typed.state, typed.failure_reason) == ("FAILED", "OPERATOR")
    assert farm.events(job)[-2:] == ["sql", "sql"]
    late = farm.submit("echo late")
    assert farm.ended(late).state == "COMPLETED"
    assert alive(script)
    [stray] = farm.cli("orphans", "--json").json
    assert (stray["job_id"], stray["kind"], stray["node_name"]) == (job, "STRAY", "node1")
    cleaned = farm.cli("clean", "--yes")
    assert cleaned.code == 0, cleaned
    farm.gone(script)
    assert farm.cli("orphans", "--json").json == []
    assert farm.job(job) == typed
    assert worker.process.poll() is None


def test_a_job_typed_final_is_released_when_its_process_ends(farm: Farm) -> None:
    farm.worker()
    job, file = farm.submit_waiting()
    farm.started(job)
    farm.execute("UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id=:job", job=job)
    typed = farm.job(job)
    assert not farm.allocation(job).released
    go(file, 0)
    assert farm.ended(job) == typed
    assert farm.scalar("SELECT cpus_allocated FROM nodes") == 0


def test_a_job_typed_final_is_watched_by_the_next_worker_too(farm: Farm) -> None:
    worker = farm.worker()
    job, file = farm.submit_waiting(time_limit=3600)
    farm.started(job)
    worker.kill()
    farm.execute("UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id=:job", job=job)
    farm.worker()
    go(file, 0)
    assert farm.ended(job).state == "FAILED"

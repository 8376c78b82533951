"""The database and the queue die under a worker: jobs go on, start, end and are recorded all the same."""

import socket
from pathlib import Path

import redis

from jobwarden.backend.queue import doorbell
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Placement
from tests.support.processes import is_gone, wait_until
from tests.support.valkey import valkey
from tests.worker.farm import PATIENCE, UNTIL_GO, Farm, go
from tests.worker.installation import Installation


def test_a_crashed_postgresql_comes_back_and_outcomes_are_recorded(installation: Installation, tmp_path: Path) -> None:
    worker, file = installation.worker, tmp_path / "go"
    jobs = [installation.submit(f"{UNTIL_GO}echo run >> {tmp_path}/runs; exit {code}", str(file)) for code in (0, 9)]
    shims = [installation.until(job, "RUNNING")["allocations"][0]["process_id"] for job in jobs]
    crashed = installation.crash("PostgreSQL")
    go(file)
    wait_until(lambda: all(map(is_gone, shims)), PATIENCE, "the jobs to end")
    installation.recovered("PostgreSQL", crashed)
    outcomes = [installation.until(job, "COMPLETED", "FAILED") for job in jobs]
    assert [(job["state"], job["exit_code"]) for job in outcomes] == [("COMPLETED", 0), ("FAILED", 9)]
    assert (tmp_path / "runs").read_text() == "run\nrun\n"
    wait_until(lambda: installation.worker["state"] == "ONLINE", PATIENCE, "the worker's lock and lease")
    assert (installation.worker["id"], installation.worker["pid"]) == (worker["id"], worker["pid"])
    late = installation.submit("exit 0")
    assert installation.until(late, "COMPLETED")["exit_code"] == 0


def test_a_crashed_redis_comes_back_and_jobs_start(installation: Installation) -> None:
    worker = installation.worker
    for _ in range(2):
        crashed = installation.crash("Valkey")
        installation.recovered("Valkey", crashed)
        job = installation.submit("exit 0")
        assert installation.until(job, "COMPLETED")["exit_code"] == 0
    assert installation.worker["pid"] == worker["pid"]


def test_after_down_and_up_all_is_still_there(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "go"
    ended = installation.submit("echo said; exit 3")
    installation.until(ended, "FAILED")
    running = installation.submit(f"echo begun\n{UNTIL_GO}", str(file))
    shim = installation.until(running, "RUNNING")["allocations"][0]["process_id"]
    down = installation.cli("down")
    assert (down.code, is_gone(shim)) == (0, False), down
    assert installation.cli("jobs").code == 1
    assert installation.cli("up", "--no-tui").code == 0
    assert (installation.show(ended)["state"], installation.cli("logs", ended).out) == ("FAILED", "said\n")
    go(file)
    job = installation.until(running, "COMPLETED", "FAILED")
    assert (job["state"], job["allocations"][0]["process_id"]) == ("COMPLETED", shim)
    assert installation.cli("logs", running).out == "begun\n"


def test_without_any_redis_jobs_start_as_ever(farm: Farm) -> None:
    """On the node whose worker schedules and on another one, and by no sweep."""
    nowhere = f"unix://{farm.work}/no-such-socket"
    workers = [farm.worker(node=node, REDIS_URL=nowhere, JOBWARDEN_PARTITIONS=node) for node in ("node1", "node2")]
    jobs = [farm.submit("exit 6", partition=node) for node in ("node1", "node2") * 5]
    assert {farm.ended(job).exit_code for job in jobs} == {6}
    for worker in workers:
        assert worker.process.poll() is None
        assert "sweep: " not in worker.said
        assert worker.term() == 0


def test_a_redis_that_never_answers_holds_up_nobody_who_schedules(farm: Farm) -> None:
    """It takes the connection and says nothing: that would cost two time-outs for each node that is rung."""
    with socket.socket(socket.AF_UNIX) as hole:
        hole.bind(str(farm.work / "hole"))
        hole.listen(64)
        redis_url = f"unix://{farm.work}/hole"
        nodes = ("node1", "node2", "node3")
        workers = [farm.worker(node=node, REDIS_URL=redis_url, JOBWARDEN_PARTITIONS=node) for node in nodes]
        jobs = [farm.submit("exit 6", partition=node) for _ in range(5) for node in nodes]
        assert {farm.ended(job).exit_code for job in jobs} == {6}
        assert not any("sweep: " in worker.said for worker in workers)


def test_a_lost_message_only_delays_a_job(farm: Farm) -> None:
    worker = farm.worker()
    with farm.engine.begin() as conn:  # allocated, and nobody rings
        [job] = machine.submit(conn, [farm.request("echo run >> runs")], "tester")
        machine.allocate(conn, [Placement(job, "node1", worker.id)])
    assert farm.ended(job).state == "COMPLETED"
    assert (farm.work / "runs").read_text() == "run\n"


def test_messages_twice_and_messages_about_nothing_are_harmless(farm: Farm, redis_url: str) -> None:
    worker = farm.worker()
    job, file = farm.submit_waiting("echo run >> runs")
    allocation = farm.started(job).id
    with doorbell.connect(redis_url) as redis:
        for ids in ([allocation], [allocation, allocation], [10**9], [], [-1]):
            doorbell.ring(redis, "node1", ids)
    late = farm.submit("exit 0")
    assert farm.ended(late).state == "COMPLETED"
    go(file)
    assert farm.ended(job).state == "COMPLETED"
    assert (farm.work / "runs").read_text() == "run\n"
    assert worker.process.poll() is None


def test_a_cut_session_costs_nothing(farm: Farm) -> None:
    worker = farm.worker()
    job, file = farm.submit_waiting("echo run >> runs")
    farm.started(job)
    farm.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'jobwarden worker%' AND datname = current_database()"
    )
    go(file, 2)
    assert farm.ended(job).exit_code == 2
    late = farm.submit("exit 0")
    assert farm.ended(late).state == "COMPLETED"
    assert [w["state"] for w in farm.cli("workers", "--json").json] == ["ONLINE"]
    assert (worker.process.poll(), "Traceback" in worker.said) == (None, False)


def test_what_ended_while_all_was_down_is_told_by_the_next_worker(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "go"
    job = installation.submit(UNTIL_GO + "exit 4", str(file))
    shim = installation.until(job, "RUNNING")["allocations"][0]["process_id"]
    assert installation.cli("down").code == 0
    go(file)
    wait_until(lambda: is_gone(shim), PATIENCE)
    assert installation.cli("up", "--no-tui").code == 0
    assert installation.until(job, "FAILED")["exit_code"] == 4


def test_a_redis_cluster_costs_one_line(farm: Farm, home: Path) -> None:
    """Who submits is told nothing, and the worker takes it for a Redis that does not work."""
    with valkey(home, "--cluster-enabled", "yes") as server:
        with redis.Redis.from_url(server.url) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        worker = farm.worker(REDIS_URL=server.url)
        script = farm.work / "job.sh"
        script.write_text("#!/bin/sh\nexit 0\n")
        done = [farm.cli("submit", script, REDIS_URL=server.url) for _ in range(3)]
        assert [(one.code, one.err) for one in done] == [(0, "")] * 3
        for one in done:
            assert farm.ended(int(one.out)).state == "COMPLETED"
        wait_until(lambda: "Redis answers with an error: " in worker.said, PATIENCE, "the line")
        assert worker.said.count("a Redis cluster is not supported: point REDIS_URL to a single server") == 1
        assert "Traceback" not in worker.said

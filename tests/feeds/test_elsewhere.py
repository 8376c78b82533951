"""Jobs of another host: their log is not here, and the reader is told where."""

from dataclasses import replace
from pathlib import Path

from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.feeds.logs import LogFollower, log_path
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.process.identity import this_host
from jobwarden.backend.queries.jobs import read_jobs
from tests.queries.rows import add_jobs, add_worker, start
from tests.support.processes import wait_until


def _moved(engine: Engine, worker_id: int, machine: str, boot: str, hostname: str) -> None:
    """Make the worker and what it started one of another machine."""
    with engine.begin() as conn:
        conn.execute(
            text("UPDATE workers SET hostname = :hostname, machine_id = :machine, boot_id = :boot WHERE id = :id"),
            {"machine": machine, "boot": boot, "hostname": hostname, "id": worker_id},
        )


def _running(engine: Engine, pid: int, machine: str, boot: str, hostname: str = "far") -> int:
    worker_id = add_worker(engine, "beta", pid)
    _moved(engine, worker_id, machine, boot, hostname)
    (job_id,) = add_jobs(engine, 1)
    start(engine, [job_id], worker_id, spool="/spool")
    return job_id


def test_a_job_of_another_host_names_it(engine: Engine) -> None:
    job_id = _running(engine, 1, "another", "another")
    with engine.connect() as conn:
        (job,) = read_jobs(conn, [job_id])
    assert (job.remote_host, log_path(job)) == ("far", None)


def test_a_job_from_before_a_reboot_is_of_this_host(engine: Engine) -> None:
    job_id = _running(engine, 1, this_host().machine_id, "before", this_host().hostname)
    with engine.connect() as conn:
        (job,) = read_jobs(conn, [job_id])
    assert job.remote_host is None
    assert log_path(job) == Path(f"/spool/{job_id}/output.log")


def test_a_job_of_a_clone_with_the_same_machine_id_is_of_another_host(engine: Engine) -> None:
    job_id = _running(engine, 1, this_host().machine_id, "another")
    with engine.connect() as conn:
        (job,) = read_jobs(conn, [job_id])
    assert (job.remote_host, log_path(job)) == ("far", None)


def test_a_waiting_job_is_of_no_host(engine: Engine) -> None:
    ids = add_jobs(engine, 1)
    with engine.connect() as conn:
        (job,) = read_jobs(conn, ids)
    assert job.remote_host is None


def test_the_log_panel_says_where_the_log_is(engine: Engine) -> None:
    job_id = _running(engine, 1, "another", "another")
    with engine.connect() as conn:
        (job,) = read_jobs(conn, [job_id])
    heard: list[LogView] = []
    follower = LogFollower(heard.append)
    follower.start()
    try:
        follower.follow(job)
        wait_until(lambda: heard)
        assert heard[-1].note == "the log is on node beta (host far): read it there"
        follower.follow(replace(job, remote_host=None, state=JobState.COMPLETED))
        wait_until(lambda: heard[-1].note == "there is no log any more")
    finally:
        follower.stop()

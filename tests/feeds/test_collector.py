"""The collector against real servers: what changes is seen, whoever changed it, and a lost server comes back."""

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.database.upgrade import upgrade
from jobwarden.backend.domain.states import JobState, WorkerState
from jobwarden.backend.embedded import servers
from jobwarden.backend.errors import InputError
from jobwarden.backend.feeds.jobs import DetailView
from jobwarden.backend.feeds.snapshot import SnapshotFeed
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.snapshot import Link, Snapshot
from tests.feeds.listening import collecting
from tests.queries.rows import add_jobs, add_worker, start, typed
from tests.support.processes import wait_until


def test_the_first_snapshot_and_window_come_without_asking(settings: Settings, engine: Engine) -> None:
    ids = add_jobs(engine, 3)
    with collecting(settings) as (_, heard):
        window = heard.window(lambda window: window.rows)
        snapshot = heard.snapshot(lambda snapshot: snapshot.loaded)
    assert [row.id for row in window.rows] == ids[::-1]
    assert (snapshot.counts[JobState.PENDING], snapshot.held) == (3, 0)
    assert (snapshot.link, snapshot.database.ok, snapshot.redis.ok) == (Link.LIVE, True, True)


def test_what_is_typed_in_sql_is_seen(settings: Settings, engine: Engine) -> None:
    (job_id,) = add_jobs(engine, 1)
    with collecting(settings) as (collector, heard):
        heard.window(lambda window: window.rows)
        collector.watch(job_id)
        typed(engine, f"UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id={job_id}")
        window = heard.window(lambda window: window.rows[0].state is JobState.FAILED)
        heard.snapshot(lambda snapshot: snapshot.counts.get(JobState.FAILED) == 1)
        wait_until(lambda: (view := heard.last(DetailView)) and view.detail and view.detail.events[-1].action == "sql")
    assert window.rows[0].failure_reason == "OPERATOR"


def test_held_jobs_are_counted_among_the_pending(settings: Settings, engine: Engine) -> None:
    ids = add_jobs(engine, 3)
    typed(engine, f"UPDATE jobs SET held = true WHERE id = {ids[0]}")
    with collecting(settings) as (_, heard):
        snapshot = heard.snapshot(lambda snapshot: snapshot.loaded)
    assert (snapshot.counts[JobState.PENDING], snapshot.held) == (3, 1)


def test_what_is_too_early_to_read_at_a_notice_is_read_later_without_a_poll(settings: Settings, engine: Engine) -> None:
    (job_id,) = add_jobs(engine, 1)
    with collecting(settings, poll=3600.0) as (collector, heard):
        collector._counts.interval = 2.0
        heard.snapshot(lambda snapshot: snapshot.counts.get(JobState.PENDING) == 1)
        typed(engine, f"UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id={job_id}")
        heard.snapshot(lambda snapshot: snapshot.counts.get(JobState.FAILED) == 1)


def test_at_most_four_snapshots_a_second(settings: Settings, engine: Engine) -> None:
    (job_id,) = add_jobs(engine, 1)
    with collecting(settings) as (_, heard):
        before = heard.snapshot(lambda snapshot: snapshot.loaded)
        began = before.taken_at
        for priority in range(200):
            typed(engine, f"UPDATE jobs SET priority={priority} WHERE id={job_id}")
        after = heard.snapshot(lambda snapshot: snapshot.number > before.number)
        heard.window(lambda window: window.rows and window.rows[0].priority == 199)
        after = heard.snapshot(lambda snapshot: snapshot.number > before.number)
    assert began is not None
    assert after.taken_at is not None
    assert after.number - before.number <= (after.taken_at - began).total_seconds() * 4 + 1


def test_a_killed_worker_is_dead_and_its_jobs_are_flagged(settings: Settings, engine: Engine) -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        worker_id = add_worker(engine, "node1", process.pid)
        ids = add_jobs(engine, 2)
        start(engine, ids, worker_id)
        with collecting(settings) as (_, heard):
            heard.snapshot(lambda snapshot: snapshot.workers and snapshot.workers[0].state is WorkerState.ONLINE)
            process.kill()
            snapshot = heard.snapshot(lambda snapshot: len(snapshot.anomalies) == 2)
    assert (snapshot.alive(), snapshot.dead()) == (0, 1)
    assert {row.job_id for row in snapshot.anomalies} == set(ids)


def test_a_filter_shows_its_jobs_and_a_wrong_one_is_refused(settings: Settings, engine: Engine) -> None:
    add_jobs(engine, 2, name="train")
    (wanted,) = add_jobs(engine, 1, name="render")
    with collecting(settings) as (collector, heard):
        heard.window(lambda window: len(window.rows) == 3)
        collector.show("name:render*")
        window = heard.window(lambda window: window.query.filter == "name:render*")
        with pytest.raises(InputError, match="state"):
            collector.show("state:nonsense")
    assert [row.id for row in window.rows] == [wanted]


def test_the_log_of_the_job_asked_for_is_followed(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    worker_id = add_worker(engine, "node1", os.getpid())
    (job_id,) = add_jobs(engine, 1)
    start(engine, [job_id], worker_id, spool=str(tmp_path))
    (tmp_path / str(job_id)).mkdir()
    log = tmp_path / str(job_id) / "output.log"
    log.write_text("one\n")
    with collecting(settings) as (collector, heard):
        window = heard.window(lambda window: window.rows)
        collector.follow(window.rows[0])
        wait_until(lambda: (view := heard.last(LogView)) and view.lines == ("one",))
        with log.open("a") as out:
            out.write("two\n")
        wait_until(lambda: (view := heard.last(LogView)) and view.lines == ("one", "two"))


def test_a_killed_embedded_database_is_recovered_and_the_data_stay_meanwhile(home: Path) -> None:
    settings = Settings(home=home, node_name="node1")
    try:
        urls = servers.ensure(settings)
        upgrade(urls.database_url)
        with collecting(settings) as (_, heard):
            heard.snapshot(lambda snapshot: snapshot.link is Link.LIVE)
            already = len(heard.news)
            postmaster = int((next(home.rglob("postmaster.pid"))).read_text().split()[0])
            os.kill(postmaster, signal.SIGKILL)
            heard.snapshot(lambda snapshot: snapshot.link is Link.LOST or len(heard.news) > already + 3)
            seen = [news for news in heard.news[already:] if isinstance(news, Snapshot)]
            lost = next(news for news in seen if news.link is Link.LOST)
            heard.snapshot(lambda snapshot: snapshot.link is Link.LIVE and snapshot.number > lost.number)
        assert lost.loaded
        assert lost.database.message
    finally:
        servers.stop(settings)


def test_a_database_that_is_not_there_is_said_and_retried(settings: Settings) -> None:
    nowhere = settings.but(database_url="postgresql://postgres@127.0.0.1:1/nothing")
    with collecting(nowhere) as (_, heard):
        snapshot = heard.snapshot(lambda snapshot: snapshot.link is Link.LOST and snapshot.number > 1)
    assert "127.0.0.1" in snapshot.database.message
    assert snapshot.retry_at > 0


def test_a_schema_that_is_not_ours_names_the_command(settings: Settings, empty_database_url: str) -> None:
    with collecting(settings.but(database_url=empty_database_url)) as (_, heard):
        snapshot = heard.snapshot(lambda snapshot: snapshot.link is Link.LOST)
    assert "jobwarden db upgrade" in snapshot.database.message


def test_stopping_leaves_no_thread(settings: Settings) -> None:
    before = set(threading.enumerate())
    with collecting(settings) as (_, heard):
        heard.snapshot(lambda snapshot: snapshot.loaded)
    wait_until(lambda: not set(threading.enumerate()) - before, 10, "the end of every thread")


def test_one_that_was_never_started_can_be_stopped(settings: Settings) -> None:
    before = set(threading.enumerate())
    SnapshotFeed(settings, lambda _: None).stop()
    assert set(threading.enumerate()) == before

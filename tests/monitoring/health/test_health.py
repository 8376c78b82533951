"""Every check is seen well and not well, on real servers; and the answer comes in time whatever hangs."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.database.engine import LEADER_LOCK, try_session_lock
from jobwarden.backend.monitoring.health import database, host
from jobwarden.backend.monitoring.health.checks import ORDER, look
from jobwarden.backend.monitoring.health.records import Check, HealthReport, Status, worst
from jobwarden.backend.process.identity import this_host
from tests.support.cli import Cli
from tests.support.scene import Scene, scene


@pytest.fixture
def stage(engine: Engine, settings: Settings, mark: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A node with a leader, whose second looks follow at once."""
    monkeypatch.setattr(database, "SECOND_LOOK_SECONDS", 0.0)
    with scene(engine, settings, mark) as made, engine.connect() as leader:
        assert try_session_lock(leader, LEADER_LOCK, 0)
        leader.commit()
        yield made
        leader.invalidate()


def check(settings: Settings, name: str) -> Check:
    """One of the checks."""
    return next(one for one in look(settings, 60).checks if one.check == name)


def test_all_is_well_with_a_worker_that_leads(stage: Scene, settings: Settings) -> None:
    stage.worker(alive=True)
    health = look(settings, 60)
    assert [(one.check, one.status) for one in health.checks] == [(name, Status.OK) for name in ORDER]
    assert health.status is Status.OK
    assert all(one.summary and not one.advice for one in health.checks)


def test_no_worker_and_no_leader(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SECOND_LOOK_SECONDS", 0.0)
    health = look(settings, 60)
    bad = {one.check: one.advice for one in health.checks if one.status is not Status.OK}
    assert set(bad) == {"leader", "workers"}
    assert "jobwarden up" in bad["workers"]
    assert bad["leader"] == "see workers"
    assert health.status is Status.DEGRADED


def test_a_dead_worker_is_named_until_another_takes_its_node(stage: Scene, settings: Settings) -> None:
    dead = stage.worker()
    found = check(settings, "workers")
    assert found.status is Status.DEGRADED
    assert f"worker {dead} of node1 is dead" in found.summary
    assert f"on host {this_host().hostname}" in found.advice
    stage.worker(alive=True)
    assert check(settings, "workers").status is Status.OK


def test_one_cause_has_one_remedy(stage: Scene, settings: Settings) -> None:
    """A dead worker shows in three checks: one says what to do, the others point to it."""
    dead = stage.worker()
    stage.run(dead)
    stage.allocate(dead)
    stage.execute("UPDATE resource_allocations SET allocation_time = now() - interval '5 minutes'")
    advice = {one.check: one.advice for one in look(settings, 60).checks if one.status is not Status.OK}
    assert set(advice) == {"workers", "anomalies", "queue"}
    assert advice["workers"].startswith("start it again on host")
    assert advice["queue"] == "see workers"
    assert advice["anomalies"].startswith("see workers: ")


def test_a_node_that_was_given_up_is_no_news(stage: Scene, settings: Settings) -> None:
    stage.worker()
    stage.execute("UPDATE workers SET heartbeat_at = now() - interval '8 days'")
    found = check(settings, "workers")
    assert (found.status, found.summary) == (Status.DEGRADED, "no worker is running")


def test_anomalies_are_counted_by_kind(stage: Scene, settings: Settings) -> None:
    stage.worker(alive=True)
    dead = stage.worker()
    stage.run(dead)
    stage.allocate(dead)
    found = check(settings, "anomalies")
    assert (found.status, found.value) == (Status.DEGRADED, 2)
    assert {"1 ORPHAN", "1 LOST"} == set(found.summary.split(", "))
    assert "jobwarden orphans" in found.advice


def test_a_granted_job_that_is_not_started_is_a_lag(stage: Scene, settings: Settings) -> None:
    stage.allocate(stage.worker(alive=True))
    assert check(settings, "queue").status is Status.OK
    stage.execute("UPDATE resource_allocations SET allocation_time = now() - interval '5 minutes'")
    found = check(settings, "queue")
    assert found.status is Status.DEGRADED
    assert "1 granted job not started, the oldest for 5m" in found.summary


def test_a_first_job_that_would_fit_is_a_lag_and_one_that_would_not_is_none(
    stage: Scene, settings: Settings, cli: Cli
) -> None:
    stage.worker(alive=True)
    assert cli("submit", "--cpus", 64, "-", input="true\n").code == 0
    assert check(settings, "queue").status is Status.OK
    stage.execute("UPDATE jobs SET submit_time = now() - interval '1 hour'")
    found = check(settings, "queue")
    assert (found.status, "would fit" in found.summary) == (Status.DEGRADED, True)
    stage.execute("UPDATE nodes SET drained = true")
    found = check(settings, "queue")
    assert (found.status, found.summary) == (Status.OK, "1 waiting, the oldest for 1h")


def test_a_moment_is_no_lag(stage: Scene, settings: Settings, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler takes the job between the two looks."""
    stage.worker(alive=True)
    assert cli("submit", "-", input="true\n").code == 0
    stage.execute("UPDATE jobs SET submit_time = now() - interval '1 hour'")
    monkeypatch.setattr(time, "sleep", lambda _: stage.execute("UPDATE jobs SET held = true"))
    assert check(settings, "queue").status is Status.OK


@pytest.mark.parametrize(("seconds", "words"), [(-7230, "2h behind"), (10_830, "3h ahead of")])
def test_clocks_that_differ(
    stage: Scene, settings: Settings, monkeypatch: pytest.MonkeyPatch, seconds: int, words: str
) -> None:
    here = time.time
    monkeypatch.setattr(time, "time", lambda: here() + seconds)
    found = check(settings, "clock")
    assert (found.status, found.advice) == (Status.DEGRADED, "synchronise both with NTP")
    assert words in found.summary


def test_the_fullest_disk_counts(stage: Scene, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = namedtuple("disk", "f_blocks f_bavail f_files f_favail")
    for info, free in ((disk(100, 4, 0, 0), 4.0), (disk(100, 50, 100, 3), 3.0)):
        monkeypatch.setattr(os, "statvfs", lambda _, info=info: info)
        found = check(settings, "disk")
        assert (found.status, found.value) == (Status.DEGRADED, free)
        assert "jobwarden housekeeping" in found.advice
    assert check(settings.but(disk_free_percent=2.0), "disk").status is Status.OK


@pytest.mark.parametrize(
    ("version", "advice"), [("0001", "jobwarden db upgrade"), ("9999", "upgrade jobwarden"), (None, "db upgrade")]
)
def test_another_schema_is_not_asked_further(
    stage: Scene, settings: Settings, version: str | None, advice: str, empty_database_url: str
) -> None:
    if version is None:
        settings = settings.but(database_url=empty_database_url)
    else:
        stage.execute("UPDATE alembic_version SET version_num = :version", version=version)
    health = look(settings, 60)
    by_name = {one.check: one for one in health.checks}
    assert health.status is Status.UNKNOWN
    assert advice in by_name["schema"].advice
    assert {one.check for one in health.checks if one.advice == "see schema"} == (
        {"clock", "leader", "workers", "anomalies", "queue"}
    )


# Servers that are down or hang -------------------------------------------------------------------------------------


@contextlib.contextmanager
def hanging_server() -> Iterator[int]:
    """A port where a connection is accepted and nothing ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_redis_that_is_down_degrades_and_hides_nothing(stage: Scene, settings: Settings) -> None:
    stage.worker(alive=True)
    health = look(settings.but(redis_url="redis://127.0.0.1:1"), 60)
    assert [one.check for one in health.checks if one.status is not Status.OK] == ["redis"]
    assert health.status is Status.DEGRADED
    assert health.worst_first[0].check == "redis"
    assert "\n" not in health.worst_first[0].summary


def test_a_database_that_is_down_cannot_be_told_and_keeps_its_password(cli: Cli) -> None:
    done = cli("health", DATABASE_URL="postgresql://me:sesame@127.0.0.1:1/db")
    assert (done.code, done.err) == (2, "")
    assert "sesame" not in done.out
    lines = done.out.splitlines()
    assert lines[0].startswith("UNKNOWN   database   ")
    assert lines[0].endswith(": check DATABASE_URL and that server")
    assert sum(line.startswith("UNKNOWN") for line in lines) == 7
    assert sum(line.startswith("ok ") for line in lines) == 3


def test_servers_that_hang_are_given_up_in_time(cli: Cli) -> None:
    with hanging_server() as port:
        urls = {"DATABASE_URL": f"postgresql://u@127.0.0.1:{port}/d", "REDIS_URL": f"redis://127.0.0.1:{port}"}
        done = cli("health", "--timeout", "1", "--json", timeout=60, **urls)
    by_name = {row["check"]: row for row in done.json}
    assert (done.code, done.err) == (2, "")
    assert by_name["database"]["summary"] == by_name["redis"]["summary"] == "no answer within 1 s"
    assert "hangs" in by_name["database"]["advice"]
    assert by_name["disk"]["status"] == "ok"


def test_a_table_that_is_locked_is_no_reason_to_wait(stage: Scene, cli: Cli) -> None:
    with stage.engine.begin() as conn:
        conn.execute(text("LOCK workers IN ACCESS EXCLUSIVE MODE"))
        done = cli("health", "--timeout", "3", "--json")
    by_name = {row["check"]: row["status"] for row in done.json}
    assert (done.code, by_name["workers"], by_name["schema"], by_name["leader"]) == (2, "unknown", "ok", "ok")


def test_an_installation_that_is_down_is_not_started_by_looking(cli: Cli) -> None:
    env = {name: value for name, value in cli.env.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    done = Cli(env, cli.cwd)("health")
    assert done.code == 2
    assert "jobwarden up" in done.out
    assert not any(path.name in ("postgres", "valkey") for path in Path(env["JOBWARDEN_HOME"]).iterdir())


def test_a_check_that_fails_hides_no_other(stage: Scene, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Settings) -> Check:
        raise ZeroDivisionError("first\nsecond")

    monkeypatch.setattr(host, "CHECKS", (("disk", broken), ("redis", host.redis)))
    by_name = {one.check: one for one in look(settings, 60).checks}
    assert by_name["disk"].status is Status.UNKNOWN
    assert "ZeroDivisionError: first" in by_name["disk"].summary
    assert by_name["redis"].status is by_name["database"].status is Status.OK


# The verb ---------------------------------------------------------------------------------------------------------


def test_quiet_says_nothing_while_all_is_well_and_only_what_is_not(stage: Scene, cli: Cli) -> None:
    stage.worker(alive=True)
    done = cli("health", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert cli("health", "--quiet", "--json").out == "[]\n"
    done = cli("health", "--quiet", REDIS_URL="redis://127.0.0.1:1")
    assert done.code == 1
    assert [line.split()[:2] for line in done.out.splitlines()] == [["DEGRADED", "redis"]]


def test_json_has_an_object_for_each_check(stage: Scene, cli: Cli) -> None:
    stage.worker(alive=True)
    rows = cli("health", "--json").json
    assert {row["check"] for row in rows} == set(ORDER)
    assert all(set(row) == {"check", "status", "summary", "advice", "value"} for row in rows)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "301", "soon"])
def test_a_wrong_time_out_is_bad_input(cli: Cli, value: str) -> None:
    done = cli("health", f"--timeout={value}")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_a_look_writes_nothing(stage: Scene, cli: Cli, settings: Settings) -> None:
    stage.run(stage.worker())
    events = stage.execute("SELECT count(*) FROM events")
    folders = sorted(path.name for path in settings.home.iterdir())
    assert cli("health").code == 1
    assert stage.execute("SELECT count(*) FROM events") == events
    assert sorted(path.name for path in settings.home.iterdir()) == folders
    shutil.rmtree(settings.home / "spool")
    assert check(settings, "disk").status is Status.OK


def test_the_worst_decides() -> None:
    assert worst([]) is Status.OK
    assert worst([Status.OK, Status.DEGRADED]) is Status.DEGRADED
    assert worst([Status.UNKNOWN, Status.DEGRADED]) is Status.UNKNOWN
    assert [status.exit_code for status in Status] == [0, 1, 2]
    assert HealthReport(()).status is Status.OK

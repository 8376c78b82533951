"""Servers that were killed, and what they leave behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
import redis

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded import home as homes
from jobwarden.backend.embedded import logins, postgres, servers, valkey
from jobwarden.backend.embedded.servers import Urls
from jobwarden.backend.errors import Refused, Unavailable
from tests.embedded.conftest import leaders, postmaster, query, valkey_pid
from tests.support.processes import is_gone, kill_hard, wait_until, working_below

Up = tuple[Settings, Urls]
PR_SET_CHILD_SUBREAPER = 36
BUSY = "SELECT count(*) FROM generate_series(1, 1000000000000::bigint)"


def test_killed_postgresql_comes_back_with_all_that_was_committed(up: Up) -> None:
    own, urls = up
    query(urls.database_url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id")
    before = postmaster(own)
    kill_hard(before)
    assert servers.attach(own) == urls
    assert postmaster(own) != before
    assert query(urls.database_url, "SELECT count(*) FROM kept") == 1000


END_THE_WAITING = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND query LIKE 'DROP ROLE%'"
)


def test_postgresql_that_goes_away_while_logins_are_set_up_is_unavailable(up: Up) -> None:
    home = homes.locate(up[0])
    url = logins.url(home, logins.SUPERUSER)
    query(url, f"CREATE ROLE {logins.ROLE}_setup")
    with ThreadPoolExecutor() as threads, contextlib.closing(psycopg2.connect(url)) as holder:
        holder.cursor().execute("LOCK TABLE pg_auth_members")
        asked = threads.submit(logins.set_up, home)
        wait_until(lambda: query(url, END_THE_WAITING) == 1, 30, "the set-up waits for the lock")
        with pytest.raises(Unavailable, match="does not answer"):
            asked.result(30)


def test_logins_are_set_up_by_the_next_one_when_whoever_began_ended(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(home: homes.Home) -> None:
        raise Unavailable("broken off")

    with monkeypatch.context() as patch:
        patch.setattr(logins, "set_up", broken_off)
        with pytest.raises(Unavailable, match="broken off"):
            servers.ensure(own)
    assert query(servers.ensure(own).database_url, "SELECT current_database()") == logins.DATABASE


def test_killed_valkey_comes_back_with_its_data(up: Up) -> None:
    own, urls = up
    with redis.Redis.from_url(urls.redis_url) as client:
        client.rpush("kept", *range(1000))
    postgresql, before = postmaster(own), valkey_pid(own)
    kill_hard(before)
    assert servers.attach(own) == urls
    assert valkey_pid(own) != before
    assert postmaster(own) == postgresql  # the one that lives is left alone
    with redis.Redis.from_url(urls.redis_url) as client:
        assert client.llen("kept") == 1000


def test_both_killed_again_and_again(up: Up) -> None:
    own, urls = up
    for turn in range(5):
        kill_hard(postmaster(own))
        kill_hard(valkey_pid(own))
        servers.attach(own)
        query(urls.database_url, f"CREATE TABLE turn{turn} ()")
    assert query(urls.database_url, "SELECT count(*) FROM pg_class WHERE relname LIKE 'turn%'") == 5


def test_killed_after_down_stays_down(up: Up) -> None:
    own, _ = up
    servers.stop(own)
    with pytest.raises(Refused, match="not running"):
        servers.attach(own)
    assert leaders(own.home) == []


def test_a_stranger_with_the_recorded_process_id_is_no_obstacle_and_lives(up: Up) -> None:
    own, urls = up
    kill_hard(postmaster(own))
    stranger = subprocess.Popen(["sleep", "1000"])
    try:
        for name in ("postgres/postmaster.pid", "run/.s.PGSQL.5432.lock"):
            file = own.home / name
            lines = file.read_text().splitlines() if file.exists() else [""]
            file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        (own.home / "run" / "valkey.pid").write_text(f"{stranger.pid}\n")
        kill_hard(valkey_pid(own))
        servers.attach(own)
        assert query(urls.database_url, "SELECT 1") == 1
        servers.stop(own)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.fixture
def adopting() -> Iterator[None]:
    """Makes this process the parent of orphans, one that never reaps: like process 1 of many containers."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def test_a_zombie_postmaster_does_not_block_the_next(adopting: None, own: Settings) -> None:
    urls = servers.ensure(own)
    before = postmaster(own)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: is_gone(before))
    assert "Z" in Path(f"/proc/{before}/stat").read_text().rpartition(") ")[2]
    servers.attach(own)
    assert query(urls.database_url, "SELECT 1") == 1
    assert Path(f"/proc/{before}/stat").exists()  # and it was a zombie until the end
    servers.stop(own)


def orphan_backend(own: Settings, urls: Urls) -> int:
    """A backend deep in a query whose postmaster is gone: it does not notice and still uses the shared memory."""
    connection = psycopg2.connect(urls.database_url, async_=1)
    wait_until(lambda: connection.poll() == psycopg2.extensions.POLL_OK)
    backend = int(connection.info.backend_pid)
    connection.cursor().execute(BUSY)
    name = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT count(*) FROM gen%'"
    wait_until(lambda: query(urls.database_url, name))
    kill_hard(postmaster(own))
    assert not is_gone(backend)
    return backend


def test_an_orphan_backend_is_waited_for_and_then_ended(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    own, urls = up
    monkeypatch.setattr(postgres, "ORPHANS_MAY_FINISH_SECONDS", 0.3)
    backend = orphan_backend(own, urls)
    servers.attach(own)
    assert is_gone(backend)
    assert query(urls.database_url, "SELECT 1") == 1


def test_down_ends_an_orphan_backend_too(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    own, urls = up
    monkeypatch.setattr(postgres, "ORPHANS_MAY_FINISH_SECONDS", 0.3)
    orphan_backend(own, urls)
    servers.stop(own)
    assert working_below(own.home) == []


def test_an_orphan_backend_that_stays_keeps_the_server_down(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    own, urls = up
    monkeypatch.setattr(postgres, "ORPHANS_MAY_FINISH_SECONDS", 0.1)
    monkeypatch.setattr(postgres, "ORPHANS_MUST_GO_SECONDS", 0.3)
    backend = orphan_backend(own, urls)
    os.kill(backend, signal.SIGSTOP)
    with pytest.raises(Unavailable, match=rf"end .*\b{backend}\b.* and try again"):
        servers.attach(own)
    kill_hard(backend)
    servers.attach(own)
    assert query(urls.database_url, "SELECT 1") == 1


@pytest.mark.parametrize("socket", [".s.PGSQL.5432", "valkey.sock"])
def test_a_server_that_lost_its_socket_is_replaced(up: Up, socket: str) -> None:
    own, urls = up
    query(urls.database_url, "CREATE TABLE kept ()")
    (own.home / "run" / socket).unlink()
    servers.attach(own)
    assert query(urls.database_url, "SELECT to_regclass('kept')") == "kept"
    with redis.Redis.from_url(urls.redis_url) as client:
        assert client.ping()
    assert len(leaders(own.home / "postgres")) == len(leaders(own.home / "valkey")) == 1


def test_an_interrupted_initdb_is_begun_anew(own: Settings) -> None:
    half = own.home / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    urls = servers.ensure(own)
    assert query(urls.database_url, "SELECT 1") == 1
    assert not half.exists()


def test_a_truncated_valkey_log_is_recovered(up: Up) -> None:
    own, urls = up
    with redis.Redis.from_url(urls.redis_url) as client:
        client.set("first", "1")
        client.set("second", "2")
    kill_hard(valkey_pid(own))
    log = max((own.home / "valkey" / "appendonlydir").glob("*.incr.aof"))
    os.truncate(log, log.stat().st_size - 3)  # as a power cut leaves it
    servers.attach(own)
    with redis.Redis.from_url(urls.redis_url) as client:
        assert client.get("first") == b"1"


def test_a_silent_valkey_is_busy_and_not_dead(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    own, _ = up
    monkeypatch.setattr(valkey, "ANSWER_SECONDS", 0.1)
    pid = valkey_pid(own)
    os.kill(pid, signal.SIGSTOP)
    try:
        servers.attach(own)
        assert valkey_pid(own) == pid
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_server_that_is_still_starting_is_not_ready(up: Up) -> None:
    own, _ = up
    home = homes.locate(own)
    file = home.postgres / "postmaster.pid"
    text = file.read_text()
    file.write_text(text.replace("ready   ", "starting"))
    assert not postgres.ready(home)
    file.write_text(text)
    assert postgres.ready(home)


def test_a_job_leaves_the_recovery_to_the_worker(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server started from inside a job would be one of the job's processes, and end with it."""
    own, urls = up
    kill_hard(valkey_pid(own))
    monkeypatch.setenv("JOBWARDEN_COOKIE", "of-some-job")
    with pytest.raises(Unavailable, match="the worker will"):
        servers.attach(own)
    monkeypatch.delenv("JOBWARDEN_COOKIE")
    assert servers.attach(own) == urls


def test_a_server_on_its_way_down_is_waited_for_and_replaced(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    own, urls = up
    monkeypatch.setattr(postgres, "START_SECONDS", 3600)  # waiting for it to become ready would never end
    before = postmaster(own)
    client = psycopg2.connect(urls.database_url)
    os.kill(before, signal.SIGTERM)  # a smart shutdown: it goes on listening until its last client has left
    wait_until(lambda: not postgres.ready(homes.locate(own)), what="the shutdown")
    threading.Timer(0.5, client.close).start()
    attached: list[Urls] = []
    attaching = threading.Thread(target=lambda: attached.append(servers.attach(own)), daemon=True)
    attaching.start()
    attaching.join(30.0)
    assert attached == [urls]
    assert postmaster(own) != before

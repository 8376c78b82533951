"""Up, attach, down: the ordinary life of a home's servers."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
from pathlib import Path

import psycopg2
import pytest
import redis

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded import servers
from jobwarden.backend.embedded.servers import Urls
from jobwarden.backend.errors import Refused
from tests.embedded.conftest import answer, in_process, leaders, postmaster, query, valkey_pid
from tests.support.processes import wait_until, working_below

Up = tuple[Settings, Urls]


def test_both_servers_answer_and_the_database_is_there(up: Up) -> None:
    _, urls = up
    assert query(urls.database_url, "SELECT current_database()") == "jobwarden"
    with redis.Redis.from_url(urls.redis_url) as client:
        assert client.ping()


def test_ensure_again_changes_nothing(up: Up) -> None:
    own, urls = up
    before = postmaster(own), valkey_pid(own)
    assert servers.ensure(own) == urls
    assert (postmaster(own), valkey_pid(own)) == before


def test_attach_finds_what_is_up(up: Up) -> None:
    own, urls = up
    assert servers.attach(own) == urls


def test_attach_to_running_servers_starts_no_process(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    own, _ = up

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    servers.attach(own)


def test_attach_refuses_a_home_that_never_was_up_and_creates_nothing(own: Settings) -> None:
    with pytest.raises(Refused, match="start it with `jobwarden up`"):
        servers.attach(own)
    assert not own.home.exists()


def test_down_stops_both_and_attach_then_refuses(up: Up) -> None:
    own, _ = up
    assert sorted(servers.stop(own)) == ["PostgreSQL", "Valkey"]
    assert working_below(own.home) == []
    assert servers.stop(own) == []
    with pytest.raises(Refused, match="not running"):
        servers.attach(own)


def test_stop_of_a_home_that_never_was_creates_nothing(own: Settings) -> None:
    assert servers.stop(own) == []
    assert not own.home.exists()


def test_down_with_clients_still_connected(up: Up) -> None:
    own, urls = up
    with contextlib.closing(psycopg2.connect(urls.database_url)), redis.Redis.from_url(urls.redis_url) as client:
        client.ping()
        assert len(servers.stop(own)) == 2


def test_everything_is_still_there_after_down_and_up(up: Up) -> None:
    own, urls = up
    query(urls.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    with redis.Redis.from_url(urls.redis_url) as client:
        client.set("kept", "42")
    servers.stop(own)
    assert servers.ensure(own) == urls
    assert query(urls.database_url, "SELECT answer FROM kept") == 42
    with redis.Redis.from_url(urls.redis_url) as client:
        assert client.get("kept") == b"42"


def test_nothing_listens_on_the_network(up: Up) -> None:
    own, urls = up
    assert query(urls.database_url, "SHOW listen_addresses") == ""
    with redis.Redis.from_url(urls.redis_url) as client:
        assert client.config_get("port") == {"port": "0"}
    for pid in (postmaster(own), valkey_pid(own)):
        assert not listening_inodes("tcp", "tcp6") & socket_inodes(pid)


def test_nobody_else_can_enter(up: Up) -> None:
    own, _ = up
    for folder in (own.home, own.home / "run", own.home / "log", own.home / "postgres", own.home / "valkey"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    for socket in (own.home / "run" / ".s.PGSQL.5432", own.home / "run" / "valkey.sock"):
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"), ("synchronous_commit", "on"), ("max_connections", "200"), ("shared_buffers", "128MB"),
        ("TimeZone", "UTC"), ("client_connection_check_interval", "1s"), ("server_encoding", "UTF8"),
    ],
)  # fmt: skip
def test_settings_in_force(shared_up: Urls, setting: str, value: str) -> None:
    assert query(shared_up.database_url, f"SHOW {setting}") == value


@pytest.fixture(scope="module")
def shared_up(tmp_path_factory: pytest.TempPathFactory) -> object:
    own = Settings(home=tmp_path_factory.mktemp("h") / "h")
    yield servers.ensure(own)
    servers.stop(own)


def test_servers_outlive_a_starter_that_is_killed(own: Settings) -> None:
    starter = in_process("ensure", own.home, "stay")
    urls = answer(starter)
    started = postmaster(own), valkey_pid(own)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    assert query(urls[0], "SELECT 1") == 1
    assert (postmaster(own), valkey_pid(own)) == started


def test_servers_keep_nothing_of_their_starter(own: Settings) -> None:
    """Own session, no terminal, none of the starter's files: reading the starter's pipe to its end returns."""
    reader, writer = os.pipe()
    starter = in_process("ensure", own.home, pass_fds=(writer,))
    out, err = starter.communicate(timeout=60)
    assert (starter.returncode, err) == (0, "")
    assert out
    os.close(writer)
    assert os.read(reader, 1) == b""  # end of file: no server holds the other end
    os.close(reader)
    for pid in (postmaster(own), valkey_pid(own)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        session, terminal = int(fields[3]), int(fields[4])
        assert session not in (0, os.getsid(0), starter.pid)
        assert terminal == 0


def test_servers_do_not_look_like_part_of_a_job(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBWARDEN_COOKIE", "abc")
    servers.ensure(own)
    for pid in (postmaster(own), valkey_pid(own)):
        assert b"JOBWARDEN_COOKIE" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_two_homes_are_two_installations(up: Up, home: Path) -> None:
    own, urls = up
    other = Settings(home=home / "other")
    others = servers.ensure(other)
    query(urls.database_url, "CREATE TABLE only_here ()")
    assert query(others.database_url, "SELECT to_regclass('only_here')") is None
    servers.stop(other)
    assert servers.attach(own) == urls
    assert query(urls.database_url, "SELECT 1") == 1


def test_eight_processes_at_once_make_one_server_each(own: Settings) -> None:
    starters = [in_process("ensure", own.home) for _ in range(8)]
    urls = {tuple(answer(starter)) for starter in starters}
    assert [starter.wait() for starter in starters] == [0] * 8
    assert len(urls) == 1
    assert query(urls.pop()[0], "SELECT 1") == 1
    assert leaders(own.home / "postgres") == [postmaster(own)]
    assert leaders(own.home / "valkey") == [valkey_pid(own)]


def test_up_and_down_at_once_end_in_one_of_the_two(own: Settings) -> None:
    for _ in range(3):
        both = [in_process("ensure", own.home), in_process("stop", own.home)]
        assert [process.wait(60) for process in both] == [0, 0]
        states = [row.running for row in servers.status(own)]
        assert states in ([True, True], [False, False])


def test_external_servers_need_no_home(own: Settings) -> None:
    external = Settings(home=own.home, database_url="postgresql://u:secret@h/d", redis_url="redis://:secret@h")
    urls = servers.attach(external)
    assert urls == servers.ensure(external) == Urls("postgresql://u:secret@h/d", "redis://:secret@h")
    assert "secret" not in f"{urls} {urls!r} {servers.status(external)}"
    assert not own.home.exists()


def test_only_the_missing_server_is_embedded(own: Settings) -> None:
    mixed = Settings(home=own.home, database_url="postgresql://u@h/d")
    urls = servers.ensure(mixed)
    assert urls.database_url == "postgresql://u@h/d"
    with redis.Redis.from_url(urls.redis_url) as client:
        assert client.ping()
    assert not (own.home / "postgres").exists()
    assert servers.stop(mixed) == ["Valkey"]


def test_status_tells_what_runs(up: Up) -> None:
    own, _ = up
    assert [(row.name, row.running, row.process_id) for row in servers.status(own)] == [
        ("PostgreSQL", True, postmaster(own)),
        ("Valkey", True, valkey_pid(own)),
    ]
    servers.stop(own)
    wait_until(lambda: [row.running for row in servers.status(own)] == [False, False])


def socket_inodes(pid: int) -> set[str]:
    targets = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
    return {target[len("socket:[") : -1] for target in targets if target.startswith("socket:[")}


def listening_inodes(*tables: str) -> set[str]:
    lines = [line.split() for table in tables for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return {fields[9] for fields in lines if fields[3] == "0A"}

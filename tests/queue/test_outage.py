"""Redis fails in all of its ways under a doorbell: one line when it begins, one when it is over, and the bell again."""

from __future__ import annotations

import logging
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.monitoring.health import host
from jobwarden.backend.monitoring.health.records import Status
from jobwarden.backend.queue import doorbell as bell
from jobwarden.backend.queue import redis_errors
from jobwarden.backend.worker import launch_listener
from jobwarden.backend.worker.launch_listener import LaunchListener
from tests.support.processes import wait_until
from tests.support.valkey import Valkey, valkey


class Bell:
    """A doorbell that answers, and what it was told."""

    def __init__(self, url: str) -> None:
        self.told: list[int] = []
        self.mended = 0
        self.thread = LaunchListener(url, "node1", 1, self._launch, self._mend, redis_errors.Outage())

    def _launch(self, ids: Sequence[int]) -> None:
        self.told += ids

    def _mend(self) -> None:
        self.mended += 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks every second, and believes in what lasts two looks."""
    monkeypatch.setattr(bell, "DEQUEUE_SECONDS", 1)
    monkeypatch.setattr(redis_errors, "STEADY_SECONDS", 0.5)
    monkeypatch.setattr(launch_listener, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(launch_listener, "LONGEST_RETRY_SECONDS", 0.2)


@pytest.fixture
def server(home: Path) -> Iterator[Valkey]:
    with valkey(home) as made:
        yield made


@pytest.fixture
def ringing(server: Valkey, quick: None, caplog: pytest.LogCaptureFixture) -> Iterator[Bell]:
    caplog.set_level(logging.WARNING)
    made = Bell(server.url)
    made.thread.start()
    rings(made, server, 1)
    yield made
    made.thread.stop()
    server.kill()
    made.thread.join(60)


def rings(made: Bell, server: Valkey, number: int) -> None:
    with bell.connect(server.url) as client:
        bell.ring(client, "node1", [number])
    wait_until(lambda: number in made.told, 60, "the bell")


def admin(server: Valkey, *words: object) -> None:
    with Redis.from_url(server.url) as client:
        client.execute_command(*words)


def protected(server: Valkey, *, on: bool) -> None:
    """A password for everybody but for the one who takes it off again."""
    with Redis.from_url(server.url, username="chief", password="x") as client:
        if on:
            client.execute_command("CONFIG", "SET", "requirepass", "sesame")
            client.execute_command("CLIENT", "KILL", "USER", "default")
        else:
            client.execute_command("ACL", "SETUSER", "default", "reset", "nopass", "on", "~*", "&*", "+@all")


def unsaveable(server: Valkey) -> None:
    with Redis.from_url(server.url) as client:
        client.set("k", "v")
        (server.folder / "data").rmdir()
        client.bgsave()
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", what="a failed save")


def saveable(server: Valkey) -> None:
    """As an operator does who can wait no longer: it goes on without saving."""
    admin(server, "CONFIG", "SET", "stop-writes-on-bgsave-error", "no")


Deed = Callable[[Valkey], None]
WAYS: dict[str, tuple[Deed, Deed, str, str]] = {
    "killed": (Valkey.kill, Valkey.start, "cannot be reached: ", "check REDIS_URL and that server"),
    "full": (
        lambda server: admin(server, "CONFIG", "SET", "maxmemory", 1),
        lambda server: admin(server, "CONFIG", "SET", "maxmemory", 0),
        "answers with an error: OOM ", "raise maxmemory",
    ),
    "replica": (
        lambda server: admin(server, "REPLICAOF", "127.0.0.1", 1),
        lambda server: admin(server, "REPLICAOF", "NO", "ONE"),
        "answers with an error: READONLY ", "it is a replica",
    ),
    "password": (
        lambda server: protected(server, on=True),
        lambda server: protected(server, on=False),
        "answers with an error: NOAUTH ", "put its password into REDIS_URL",
    ),
    "no right": (
        lambda server: admin(server, "ACL", "SETUSER", "default", "-blpop", "-blmove", "-hset", "-lpushx"),
        lambda server: protected(server, on=False),
        "answers with an error: NOPERM ", "ACL SETUSER",
    ),
    "unsaveable": (unsaveable, saveable, "answers with an error: MISCONF ", "cannot save to its disk"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_it_is_said_once_when_it_begins_and_once_when_it_is_over(
    way: str, server: Valkey, ringing: Bell, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    break_it, undo, words, advice = WAYS[way]
    admin(server, "ACL", "SETUSER", "chief", "on", ">x", "~*", "&*", "+@all")
    break_it(server)
    wait_until(lambda: ringing.mended >= 5, 60, "five attempts")
    found = host.redis(settings.but(redis_url=server.url))
    undo(server)
    rings(ringing, server, 2)
    wait_until(lambda: "works again" in caplog.text, 60, "the end of it")
    first, last = [record.getMessage() for record in caplog.records]
    assert first.startswith(f"Redis {words}")
    assert last.startswith("Redis works again, after ")
    assert "Traceback" not in caplog.text
    assert (found.status, found.summary.startswith(words)) == (Status.DEGRADED, True), found
    assert advice in found.advice


def lose(ringing: Bell, server: Valkey) -> None:
    """Kill the server, and wait until the bell has noticed."""
    server.kill()
    before = ringing.mended
    wait_until(lambda: ringing.mended > before, 60, "the loss")


def test_one_that_comes_and_goes_is_one_trouble(
    server: Valkey, ringing: Bell, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_errors, "STEADY_SECONDS", 3600)
    for number in range(2, 6):
        lose(ringing, server)
        server.start()
        rings(ringing, server, number)
    monkeypatch.setattr(redis_errors, "STEADY_SECONDS", 0.5)
    wait_until(lambda: "works again" in caplog.text, 60, "the end of it")
    assert len(caplog.records) == 2


def tried_five_times(server: Valkey) -> None:
    """A worker's doorbell that cannot be answered, until it has tried again five times."""
    made = Bell(server.url)
    made.thread.start()
    wait_until(lambda: made.mended >= 5, 60, "five attempts")
    made.thread.stop()
    made.thread.join(60)


def test_a_cluster_without_slots_is_named(home: Path, quick: None, caplog: pytest.LogCaptureFixture) -> None:
    with valkey(home, "--cluster-enabled", "yes") as server:
        tried_five_times(server)
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("Redis answers with an error: CLUSTERDOWN ")


MYSELF, OTHER = "a" * 40, "b" * 40
NODES = f"""{OTHER} 127.0.0.1:1@2 master - 0 0 1 connected 0-16383
{MYSELF} 127.0.0.1:0@0 myself,master - 0 0 0 connected
vars currentEpoch 1 lastVoteEpoch 0
"""


def test_a_cluster_that_has_the_keys_elsewhere_is_named(
    home: Path, quick: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "data").mkdir()
    (home / "data" / "nodes.conf").write_text(NODES)
    patient = ("--cluster-node-timeout", "3600000", "--cluster-require-full-coverage", "no")
    with valkey(home, "--cluster-enabled", "yes", *patient) as server:
        with Redis.from_url(server.url) as client:
            wait_until(lambda: client.cluster("info")["cluster_state"] == "ok", 60, "the cluster")
        found = host.redis(settings.but(redis_url=server.url))
        tried_five_times(server)
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("Redis answers with an error: MOVED ")
    assert line.endswith("a Redis cluster is not supported: point REDIS_URL to a single server")
    assert (found.status, "a Redis cluster is not supported" in found.advice) == (Status.DEGRADED, True), found


def test_a_cluster_that_has_all_of_the_keys_is_not_well(home: Path, settings: Settings) -> None:
    """Who rings writes several keys at once, which no cluster takes; each by itself it would."""
    (home / "data").mkdir()
    (home / "data" / "nodes.conf").write_text(
        NODES.replace(" 0-16383", "").replace("0 0 0 connected", "0 0 0 connected 0-16383")
    )
    with valkey(home, "--cluster-enabled", "yes") as server:
        with Redis.from_url(server.url) as client:
            wait_until(lambda: client.cluster("info")["cluster_state"] == "ok", 60, "the cluster")
        found = host.redis(settings.but(redis_url=server.url))
        assert found.summary.startswith("answers with an error: CROSSSLOT ")
        assert "a Redis cluster is not supported" in found.advice
        with bell.connect(server.url) as client, pytest.raises(ResponseError, match="hash to the same slot"):
            bell.ring(client, "node1", [1])


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that only its own file vouches for, with its key."""
    made = tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out", made,
         "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return made


@pytest.fixture
def tls(certificate: Path, server: Valkey) -> Iterator[int]:
    """A port on which the server is to be had over TLS (its own build has none)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.parent / "key.pem")

    class Door(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                client = context.wrap_socket(self.request, server_side=True)
            except (ssl.SSLError, OSError):
                return  # it does not trust us
            with client, socket.socket(socket.AF_UNIX) as inner:
                inner.connect(str(server.folder / "r.sock"))
                threading.Thread(target=_pass_on, args=(inner, client), daemon=True).start()
                _pass_on(client, inner)

    class Doors(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Doors(("127.0.0.1", 0), Door) as doors:
        threading.Thread(target=doors.serve_forever, daemon=True).start()
        yield doors.server_address[1]
        doors.shutdown()


def _pass_on(source: socket.socket, to: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            to.sendall(data)
    except OSError:
        return  # one of the two has hung up


def test_an_unknown_authority_is_said_once_with_the_remedy_and_the_remedy_works(
    tls: int, server: Valkey, certificate: Path, quick: None, settings: Settings, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    url = f"rediss://127.0.0.1:{tls}/0"
    made = Bell(url)
    made.thread.start()
    wait_until(lambda: made.mended >= 5, 60, "five attempts")
    found = host.redis(settings.but(redis_url=url))
    assert (found.status, found.advice) == (Status.DEGRADED, redis_errors.UNTRUSTED), found
    [line] = [record.getMessage() for record in caplog.records]
    assert "CERTIFICATE_VERIFY_FAILED" in line
    assert line.endswith(f"; {redis_errors.UNTRUSTED}")
    monkeypatch.setattr(made.thread, "_redis_url", f"{url}?ssl_ca_certs={certificate}")
    rings(made, server, 1)
    wait_until(lambda: "works again" in caplog.text, 60, "the end of it")
    assert host.redis(settings.but(redis_url=made.thread._redis_url)).status is Status.OK
    made.thread.stop()
    server.kill()
    made.thread.join(60)
    assert "Traceback" not in caplog.text


def test_pauses_grow_while_it_lasts(
    server: Valkey, ringing: Bell, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server.kill()
    wait_until(lambda: ringing.mended >= 5, 60, "five attempts")
    assert ringing.thread._pause == launch_listener.LONGEST_RETRY_SECONDS
    server.start()
    wait_until(lambda: ringing.thread._pause == launch_listener.RETRY_SECONDS, 60, "short pauses again")


def test_answers_that_come_by_turns_are_said_once_each(caplog: pytest.LogCaptureFixture) -> None:
    outage = redis_errors.Outage()
    for _ in range(5):
        for words in ("MOVED 1 127.0.0.1:1", "CROSSSLOT Keys in request", "OOM command not allowed"):
            outage.failed(ResponseError(words))
    assert [record.getMessage().split()[5] for record in caplog.records] == ["CROSSSLOT", "OOM"]

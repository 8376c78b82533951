"""Redis answers every ping and takes nothing: health says so, and why."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.monitoring.health import host
from jobwarden.backend.monitoring.health.records import Status
from tests.support.processes import wait_until
from tests.support.valkey import valkey


@pytest.fixture
def redis_server(home: Path) -> Iterator[str]:
    """A Valkey of this test's own; its URL."""
    with valkey(home) as server:
        yield server.url


@pytest.mark.attempt("health calls a Redis that refuses writes ok", fault=0)
@pytest.mark.parametrize(
    ("configure", "undo", "said"),
    [
        ({"maxmemory": "1"}, {"maxmemory": "0"}, "memory is full"),
        ({"min-replicas-to-write": "3"}, {"min-replicas-to-write": "0"}, "NOREPLICAS"),
    ],
)
def test_redis_answers_and_takes_nothing(
    settings: Settings, redis_server: str, configure: dict[str, str], undo: dict[str, str], said: str
) -> None:
    """Every ping is answered, and no bell is rung."""
    there = settings.but(redis_url=redis_server)
    with redis.Redis.from_url(redis_server) as client:
        assert host.redis(there).status is Status.OK
        keys = client.dbsize()
        for name, value in configure.items():
            client.config_set(name, value)
        check = host.redis(there)
        for name, value in undo.items():
            client.config_set(name, value)
        assert (check.status, client.dbsize()) == (Status.DEGRADED, keys)
        assert said in f"{check.summary} {check.advice}"
        assert host.redis(there).status is Status.OK


@pytest.mark.attempt("health calls a Redis that refuses writes ok", fault=0)
def test_redis_is_a_replica(settings: Settings, redis_server: str) -> None:
    """After a failover REDIS_URL names the one that is read only now."""
    there = settings.but(redis_url=redis_server)
    with redis.Redis.from_url(redis_server) as client:
        client.replicaof("127.0.0.1", "1")
        check = host.redis(there)
        client.replicaof("NO", "ONE")
    assert check.status is Status.DEGRADED and "it is a replica" in check.advice


@pytest.mark.attempt("health calls a Redis that refuses writes ok", fault=0)
def test_redis_cannot_save(settings: Settings, redis_server: str, home: Path) -> None:
    """The disk of Redis is full or gone: it refuses every write from the first failed save on (MISCONF)."""
    there = settings.but(redis_url=redis_server)
    with redis.Redis.from_url(redis_server) as client:
        client.set("k", "v")
        (home / "data").rmdir()
        client.bgsave()
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", what="a failed save")
        check = host.redis(there)
    assert check.status is Status.DEGRADED and "cannot save to its disk" in check.advice

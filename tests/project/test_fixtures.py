"""The fixtures themselves: tests that share nothing must really share nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest
import redis

from jobwarden.backend.database.driver import Engine, text
from tests.support.processes import MARK, is_gone, reap_marked


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_an_empty_migrated_database(engine: Engine, turn: int) -> None:
    with engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM events")).scalar() == 0
        conn.execute(text("CREATE TABLE left_behind ()"))


def test_further_databases_are_separate(database_url: str, new_database: Callable[[], str]) -> None:
    assert len({database_url, new_database(), new_database()}) == 3


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_an_empty_queue(redis_url: str, turn: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_what_a_test_marked_is_killed_though_it_detached() -> None:
    script = "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!"
    started = subprocess.run(["sh", "-c", script], env={**os.environ, MARK: "x1"}, capture_output=True, check=True)
    pid = int(started.stdout)
    assert not is_gone(pid)
    reap_marked("x1")
    assert is_gone(pid)

"""Faults of Redis, which carries messages and knows nothing."""

from __future__ import annotations

import redis

from tests.matrix.row import CODE, Row, shows
from tests.support.processes import wait_until
from tests.worker.farm import PATIENCE, UNTIL_GO, go, hang
from tests.worker.installation import Installation


@shows(
    "Queue",
    fault="Redis is emptied (`FLUSHALL`), over and over",
    sees="nothing",
)
def test_redis_is_flushed(installation: Installation, row: Row) -> None:
    with redis.Redis.from_url(installation.urls.redis_url) as client:
        client.flushall()
        jobs = [installation.submit(f"exit {CODE}") for _ in range(3)]

        def over() -> bool:
            client.flushall()
            return all(installation.show(job)["state"] == "FAILED" for job in jobs)

        wait_until(over, PATIENCE, "the jobs to end")
    for job in jobs:
        row.check(installation.ended(job))
    installation.online()


@shows(
    "Queue",
    fault="Redis is shut down and comes back empty",
    sees="an embedded one is started again by the worker; jobs start as ever meanwhile",
)
def test_redis_comes_back_empty(installation: Installation, row: Row) -> None:
    former = installation.pid("Valkey")
    with redis.Redis.from_url(installation.urls.redis_url) as client:
        client.flushall()
        client.shutdown(nosave=True)
    job = installation.submit(f"exit {CODE}")
    row.check(installation.ended(job))
    assert former is not None
    installation.recovered("Valkey", former)
    row.check(installation.ended(installation.submit(f"exit {CODE}")))


@shows(
    "Queue",
    fault="Redis hangs: it accepts connections and never answers",
    sees="nothing, but in `health`: jobs start as ever, and everything else goes on",
)
def test_redis_hangs(installation: Installation, row: Row) -> None:
    file = installation.home / "go"
    job = installation.submit(f"{UNTIL_GO}exit {CODE}", str(file))
    installation.until(job, "RUNNING")
    pid = installation.pid("Valkey")
    assert pid is not None
    wake = hang(pid)
    try:
        late = installation.submit(f"exit {CODE}")
        row.check(installation.ended(late))
        go(file)
        row.check(installation.ended(job))
    finally:
        wake()
    row.check(installation.ended(installation.submit(f"exit {CODE}")))

"""The wall clock jumps by an hour, either way, while jobs run. Limits and identities count from boot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.matrix.row import CODE, Row, shows
from tests.matrix.wallclock import HOUR, WallClock, made
from tests.worker.farm import UNTIL_GO, Farm, go
from tests.worker.installation import Installation, brought_up

both_ways = pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
NEVER_ENDS = "while :; do sleep 0.1; done"


@pytest.fixture
def clock(home: Path) -> WallClock:
    """A clock that can be set, which is right at first; where servers of any user can read it."""
    folder = home / "clock"
    folder.mkdir()
    return made(folder)


@pytest.fixture
def host(home: Path, tmp_path: Path, mark: str, clock: WallClock) -> Iterator[Installation]:
    """Servers, worker and commands on one host with that clock."""
    with brought_up(home, tmp_path, mark, variables=clock.environment) as installation:
        yield installation


@both_ways
@shows(
    "Clock",
    fault="the clock of a worker's host jumps by an hour, that of the database's does not",
    sees="a jump in the times of its log",
)
def test_the_clock_of_a_worker_jumps(farm: Farm, clock: WallClock, row: Row, jump: int) -> None:
    worker = farm.worker(**clock.environment)
    job, file = farm.submit_waiting(time_limit=HOUR // 2)
    farm.started(job)
    clock.set(jump)
    limited = farm.submit(NEVER_ENDS, time_limit=1)
    assert farm.ended(limited).failure_reason == "TIMEOUT"
    assert farm.cli("orphans", "--json").json == []
    assert [one["state"] for one in farm.cli("workers", "--json").json] == ["ONLINE"]
    go(file, CODE)
    ended = farm.ended(job)
    row.check(ended)
    assert ended.end_time >= ended.start_time
    assert worker.term() == 0
    last = datetime.fromisoformat(worker.said.strip().splitlines()[-1].split(",")[0])
    assert abs(last - datetime.now() - timedelta(seconds=jump)) < timedelta(seconds=HOUR / 2)


@both_ways
@shows(
    "Clock",
    fault="the clock of a whole host jumps by an hour: database, Redis, worker and jobs",
    sees="forward, the worker is `DEAD` until its next heartbeat; run times are off by the jump, and never negative",
)
def test_the_clock_of_a_host_jumps(host: Installation, clock: WallClock, row: Row, jump: int) -> None:
    file = host.home / "go"
    job = submit(host, clock, f"{UNTIL_GO}exit {CODE}", str(file))
    host.until(job, "RUNNING")
    clock.set(jump)
    before = host.worker["pid"]
    host.online()
    assert abs(database_clock(host) - datetime.now().timestamp() - jump) < HOUR / 2
    late = host.ended(submit(host, clock, f"exit {CODE}"))
    row.check(late)
    limited = host.ended(submit(host, clock, NEVER_ENDS, limit="1s"))
    assert limited.failure_reason == "TIMEOUT"
    assert host.cli("orphans", "--json").json == []
    go(file)
    ended = host.ended(job)
    row.check(ended)
    for one in (ended, late, limited):
        assert datetime.fromisoformat(one.end_time) >= datetime.fromisoformat(one.start_time)
    assert host.worker["pid"] == before


@shows(
    "Clock",
    fault="the clock of a whole host jumps an hour forward while a job runs that may run ten minutes",
    sees="nothing: a limit counts the seconds since the process started, and no job is called overdue",
)
def test_no_job_is_overdue_by_a_jump(host: Installation, clock: WallClock, row: Row) -> None:
    file = host.home / "go"
    job = submit(host, clock, f"{UNTIL_GO}exit {CODE}", str(file), limit="10m")
    host.until(job, "RUNNING")
    clock.set(HOUR)
    host.online()
    assert host.cli("orphans", "--json").json == []
    assert host.cli("clean", "--yes").code == 0
    assert host.show(job)["state"] == "RUNNING"
    go(file)
    row.check(host.ended(job))


def submit(host: Installation, clock: WallClock, script: str, *arguments: str, limit: str = "2h") -> int:
    """A job that has the host's clock, and its supervisor with it."""
    options: list[str] = ["--time", limit]
    for name, value in clock.environment.items():
        options += ["--env", f"{name}={value}"]
    return host.submit(script, *arguments, options=options)


def database_clock(host: Installation) -> float:
    """Seconds since the epoch, as PostgreSQL has it."""
    with host.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        [(seconds,)] = cursor.fetchall()
        return float(seconds)

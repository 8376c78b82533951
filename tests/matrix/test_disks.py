"""Full disks: on small file systems of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from tests.matrix.disk import Disk
from tests.matrix.row import CODE, Row, shows
from tests.support.processes import is_gone, wait_until
from tests.worker.farm import PATIENCE, UNTIL_GO, Farm, go
from tests.worker.installation import Installation, brought_up

Mount = Callable[[Path, int], Disk]
NO_SPACE = "No space left on device"


@shows(
    "Disks",
    fault="the disk of the spool is full when a job starts",
    sees="the job fails at once and says so; those that run are not touched",
    operator="free some space (`jobwarden housekeeping`), then `jobwarden resubmit ID`",
    ends=("FAILED", "LAUNCH_ERROR"),
)
def test_the_spool_is_full_when_a_job_starts(farm: Farm, disk: Mount, row: Row) -> None:
    spool = disk(farm.spool(), 2)
    worker = farm.worker()
    spool.fill()
    ended = farm.ended(farm.submit("exit 0"))
    row.check(ended)
    assert NO_SPACE in ended.error_msg
    spool.clear()
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"
    assert worker.term() == 0


@shows(
    "Disks",
    fault="the disk of the spool fills up while a job runs",
    sees="the job's own output is cut off there; its exit code is recorded, because the room for it was kept",
    operator="free some space (`jobwarden housekeeping`)",
)
def test_the_spool_fills_up_under_a_running_job(farm: Farm, disk: Mount, row: Row) -> None:
    spool = disk(farm.spool(), 2)
    farm.worker()
    job, file = farm.submit_waiting("echo before")
    adopted, other = farm.submit_waiting(name="other")
    shim = farm.started(adopted).process_id
    wait_until(lambda: farm.log(job) == b"before\n", PATIENCE, "the output")
    spool.fill()
    go(file, CODE)
    row.check(farm.ended(job))
    assert farm.log(job) == b"before\n"
    farm.all[-1].kill()
    go(other, CODE)
    farm.gone(shim)
    farm.worker()
    row.check(farm.ended(adopted))


@shows(
    "Disks",
    fault="the disk of the logs is full",
    sees="lines are missing in the logs of the worker and the servers; jobs go on",
    operator="free some space",
)
def test_the_disk_of_the_logs_is_full(home: Path, tmp_path: Path, mark: str, disk: Mount, row: Row) -> None:
    logs = disk(home / "log", 2)
    with brought_up(home, tmp_path, mark) as installation:
        logs.fill()
        with installation.cursor() as cursor:
            cursor.execute(  # so that worker and PostgreSQL have something to write about
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'jobwarden%'"
            )
        row.check(installation.ended(installation.submit(f"exit {CODE}")))
        installation.online()
        logs.clear()
        row.check(installation.ended(installation.submit(f"exit {CODE}")))


@shows(
    "Disks",
    fault="the disk of the home fills up: data, spool and logs",
    sees="commands that write fail with one line; what ends is recorded as soon as there is space",
    operator="free some space; an embedded PostgreSQL that stopped is started again by the worker",
)
def test_the_disk_of_the_data_is_full(home: Path, tmp_path: Path, mark: str, disk: Mount, row: Row) -> None:
    data = disk(home, 300)
    no_reserve = {"JOBWARDEN_DISK_RESERVE_MB": "0"}  # as if it were used up
    with brought_up(home, tmp_path, mark, variables=no_reserve) as installation:
        file = tmp_path / "go"
        job = installation.submit(f"{UNTIL_GO}exit {CODE}", str(file))
        shim = installation.until(job, "RUNNING")["allocations"][0]["process_id"]
        data.fill()
        exhaust(installation)
        refused = installation.cli("submit", "-", input=f"#!/bin/sh\n# {os.urandom(300_000).hex()}\n")
        assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1), refused
        assert "unexpected" not in refused.err
        go(file)
        wait_until(lambda: is_gone(shim), PATIENCE, "the end of the job")
        data.clear()
        row.check(installation.ended(job))
        installation.online()
        row.check(installation.ended(installation.submit(f"exit {CODE}")))


def exhaust(installation: Installation) -> None:
    """Write until PostgreSQL has used up the room that it keeps in its files."""
    with installation.cursor() as cursor, pytest.raises(psycopg2.Error, match=r"space|closed|terminat"):
        cursor.execute("CREATE TABLE rubbish AS SELECT 1 AS n")
        while True:
            cursor.execute("INSERT INTO rubbish SELECT generate_series(1, 100000)")

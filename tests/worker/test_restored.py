"""The database restored from a backup while spool and processes went on: no id twice, and nothing of it unseen."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from jobwarden.backend.actions.results import Context
from jobwarden.backend.anomalies import detect
from jobwarden.backend.anomalies.strays import Scanner
from jobwarden.backend.api import cancel_job
from jobwarden.backend.database.driver import text
from jobwarden.backend.embedded.binaries import postgres_installations
from jobwarden.backend.errors import Refused
from tests.support.actions import perform
from tests.support.cli import Cli
from tests.support.processes import is_gone
from tests.worker.farm import Farm, go

VERBS = (
    ("clean", "--yes"), ("show",), ("show", "--json"), ("logs",), ("logs", "-f"), ("kill",), ("cancel", "--dry-run"),
    ("mark-failed",), ("release",), ("resubmit",), ("hold",), ("unhold",), ("priority", "--to", "3"),
    ("events", "--job"),
)  # fmt: skip
"""Each of which is given the id of a job that the database does not know."""


def program(name: str) -> str:
    return next(postgres_installations()).program(name)


def test_a_restored_database_gives_no_id_again_and_shows_what_it_forgot(
    farm: Farm, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, dump = str(farm.settings.database_url), tmp_path / "dump"
    worker = farm.worker()
    for job in [farm.submit("exit 0") for _ in range(3)]:
        farm.ended(job)
    worker.term()
    subprocess.run([program("pg_dump"), "-Fc", "-f", dump, url], check=True)
    worker = farm.worker()
    lost = [farm.submit("exit 0") for _ in range(6)]
    for job in lost:
        farm.ended(job)
    running, _ = farm.submit_waiting()
    shim, folder = farm.started(running).process_id, farm.spool() / str(farm.allocation(running).id)
    worker.kill()
    farm.engine.dispose()
    subprocess.run([program("pg_restore"), "--clean", "--if-exists", "-d", url, dump], check=True)

    farm.worker()
    jobs = [farm.submit("echo new") for _ in range(8)]
    assert [farm.ended(job).state for job in jobs] == ["COMPLETED"] * 8
    assert min(jobs) > running
    assert min(farm.allocation(job).id for job in jobs) > int(folder.name)
    assert str(folder.parent) in farm.scalar("SELECT reason FROM events WHERE action = 'ids-raised'")
    with farm.engine.connect() as conn:
        [row] = detect.find(conn, farm.settings, Scanner())
    assert (row.job_id, row.kind, row.node_name) == (running, "STRAY", "node1")
    assert (str(folder) in row.detail, f"pid {shim}" in row.detail) == (True, True), row.detail
    done = cli("clean", "--yes")
    assert (done.code, f"`kill {shim}`" in done.out + done.err) == (1, True), done
    for verb in VERBS:
        done = cli(*verb, running)
        assert done.code == 1, (verb, done)
        assert (done.out, done.err.count("\n")) == ("", 1), (verb, done)
        assert f"job {running} is not known to the database" in done.err, (verb, done)
        assert f"`kill {shim}`" in done.err, (verb, done)
    for name in ("JOBWARDEN_HOME", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, farm.cli.env[name])
    with pytest.raises(Refused, match="is not known to the database"):
        cancel_job(running)
    ctx = Context(farm.engine, farm.settings, "test")
    assert "is not known" in perform(ctx, "kill", [running])[0].message
    assert "is not known" in perform(ctx, "release", [running])[0].message
    assert "is not known" in perform(ctx, "hold", [running])[0].message
    assert cli("show", running + 1000).code == 2
    assert not is_gone(shim)
    os.kill(shim, 0)


def test_a_job_that_began_after_the_moment_a_reader_sees_is_not_unknown(farm: Farm) -> None:
    """As `jobwarden orphans` reads: the workers first, then the processes, all in one snapshot."""
    farm.worker()
    with farm.engine.connect().one_moment(read_only=False) as conn:
        before = conn.execute(text("SELECT max(id) FROM resource_allocations")).scalar()
        job, file = farm.submit_waiting()
        farm.started(job)
        assert detect.find(conn, farm.settings, Scanner()) == []
        assert conn.execute(text("SELECT max(id) FROM resource_allocations")).scalar() == before
    go(file, 0)
    assert farm.ended(job).state == "COMPLETED"

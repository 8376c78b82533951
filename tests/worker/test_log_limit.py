"""A worker keeps the logs of its jobs within their limit, and the jobs notice nothing."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from jobwarden.backend.disk_reserve import DiskRoom
from jobwarden.backend.process.identity import identify
from jobwarden.backend.process.log_truncation import read_cut
from jobwarden.backend.worker.disk_guard import LAST_LOOKS, LogLimiter
from jobwarden.backend.worker.watched_job import WatchedJob
from tests.support.processes import wait_until
from tests.worker.farm import PATIENCE, Farm, go

MIB = 1 << 20
WRITE = "yes 0123456789abcdef | head -c 6000000\n"


def disk_use(log: Path) -> int:
    return log.stat().st_blocks * 512


def test_the_middle_is_cut_while_the_job_runs_and_after_it(farm: Farm) -> None:
    worker = farm.worker(JOBWARDEN_LOG_LIMIT_MB="1")
    job, may_go = farm.submit_waiting(f"echo first\n{WRITE}")
    pid = farm.started(job).process_id
    log = Path(farm.allocation(job).spool_dir, "output.log")
    wait_until(lambda: read_cut(str(log.parent)) and disk_use(log) <= MIB, PATIENCE, "the cut")
    assert farm.job(job).state == "RUNNING"
    go(may_go, 7)
    ended = farm.ended(job)
    assert (ended.state, ended.exit_code, farm.allocation(job).process_id) == ("FAILED", 7, pid)
    shown = subprocess.run(farm.cli.command("logs", job), env=farm.cli.env, capture_output=True, check=True).stdout
    assert shown.startswith(b"first\n0123456789abcdef\n")
    assert b"\0" not in shown
    assert shown.decode().count("MiB cut here") == 1
    last = subprocess.run(
        farm.cli.command("logs", job, "--tail", "2"), env=farm.cli.env, capture_output=True, check=True
    )
    assert shown.endswith(last.stdout)
    assert last.stdout.startswith(b"0123456789abcdef\n012")

    brief = farm.submit(WRITE)
    assert farm.ended(brief).state == "COMPLETED"
    log = Path(farm.allocation(brief).spool_dir, "output.log")
    wait_until(lambda: disk_use(log) <= MIB, PATIENCE, "the cut after the end")
    assert "cut out of its middle" in worker.said


def test_without_a_limit_nothing_is_cut(farm: Farm) -> None:
    farm.worker(JOBWARDEN_LOG_LIMIT_MB="0")
    job = farm.submit(WRITE)
    farm.ended(job)
    log = Path(farm.allocation(job).spool_dir, "output.log")
    assert disk_use(log) >= 6_000_000
    assert read_cut(str(log.parent)) is None


def plenty() -> DiskRoom:
    return DiskRoom(free=1 << 40, reserve=0)


def watched(folder: Path) -> WatchedJob:
    me = identify(os.getpid())
    assert me is not None
    return WatchedJob(7, 7, me, "", str(folder), None, "/")


@pytest.mark.parametrize(("limit", "written", "most"), [(1024, 3000, 1126), (4, 300, 20), (64, 600, 80)])
def test_a_job_that_writes_as_fast_as_it_can_stays_near_its_limit(
    farm: Farm, limit: int, written: int, most: int
) -> None:
    """Within a tenth, or 16 MiB where that is more: its supervisor waits for the worker that cuts."""
    farm.worker(JOBWARDEN_LOG_LIMIT_MB=str(limit))
    job = farm.submit("exec yes")
    pid = farm.started(job).process_id
    log = Path(farm.allocation(job).spool_dir, "output.log")
    largest = 0
    while log.stat().st_size < written * MIB:
        largest = max(largest, disk_use(log))
        time.sleep(0.001)
    assert farm.job(job).state == "RUNNING"
    assert largest <= most * MIB
    farm.end(job, "kill")
    farm.gone(pid)


def test_a_disk_that_cannot_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "output.log").write_bytes(b"x" * 2 * MIB)
    monkeypatch.setattr("jobwarden.backend.process.log_truncation.KEEP_SIZE", 0x40)  # a mode that no kernel knows
    limiter = LogLimiter(1, lambda: {7}, plenty)
    limiter.follow(watched(tmp_path))
    limiter.look()
    limiter.look()
    assert caplog.text.count("log_limit_mb has no effect") == 1
    assert (tmp_path / "output.log").read_bytes() == b"x" * 2 * MIB


def test_a_job_is_forgotten_some_looks_after_its_end_but_not_before_it_is_in_care(tmp_path: Path) -> None:
    in_care: set[int] = set()
    limiter = LogLimiter(1, lambda: in_care, plenty)
    limiter.follow(watched(tmp_path))
    limiter.look()
    in_care.add(7)
    for _ in range(2 * LAST_LOOKS):
        limiter.look()
    in_care.clear()
    (tmp_path / "output.log").write_bytes(b"x" * 2 * MIB)
    limiter.look()
    assert read_cut(str(tmp_path)) is not None
    for _ in range(LAST_LOOKS):
        limiter.look()
    (tmp_path / "output.log").write_bytes(b"x" * 9 * MIB)
    limiter.look()
    assert disk_use(tmp_path / "output.log") >= 9 * MIB

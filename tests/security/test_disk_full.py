"""A full disk harms nobody: logs stop growing, and what is ours goes on."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jobwarden.backend import disk_reserve
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.process.log_truncation import read_cut, trim
from tests.matrix.disk import Disk
from tests.support.processes import is_gone, wait_until
from tests.worker.farm import PATIENCE, Farm
from tests.worker.installation import brought_up

Mount = Callable[[Path, int], Disk]
MIB = 1 << 20


def free(place: Path) -> int:
    info = os.statvfs(place)
    return info.f_bavail * info.f_frsize


def fill(place: Path, leave: int) -> None:
    """Take what is free but ``leave`` bytes, as a job that writes its data does."""
    fd = os.open(place / "filler", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        while (left := free(place) - leave) > 4096:
            with contextlib.suppress(OSError):
                os.posix_fallocate(fd, os.fstat(fd).st_size, min(left, 64 * MIB) // 4096 * 4096)
    finally:
        os.close(fd)


@pytest.mark.attempt("`yes` fills the disk of the spool", fault=12)
def test_a_job_fills_the_disk_with_its_log(farm: Farm, disk: Mount) -> None:
    """`exec yes` on a small disk: what is kept free stays free, and the log grows again once there is room."""
    spool = disk(farm.spool(), 2000).place
    worker = farm.worker(
        JOBWARDEN_DISK_RESERVE_MB="256", JOBWARDEN_LOG_LIMIT_MB="0", JOBWARDEN_ALERT_FOR_SECONDS="0",
        JOBWARDEN_ALERT_POLL_SECONDS="0.1",
    )  # fmt: skip
    fill(spool, 400 * MIB)
    job = farm.submit("exec yes")
    log = Path(farm.started(job).spool_dir, "output.log")
    other = farm.submit("echo quiet; exit 0")
    assert farm.ended(other).state == "COMPLETED"
    wait_until(lambda: log.stat().st_size > 2000 * MIB, PATIENCE, "two gigabytes of output")
    assert free(spool) > 0
    assert farm.job(job).state == "RUNNING"
    assert "the logs of jobs stop growing" in worker.said
    alert = "SELECT count(*) FROM alerts WHERE rule = 'disk-reserve' AND cleared_at IS NULL"
    wait_until(lambda: farm.scalar(alert) == 1, PATIENCE, "the alert")
    assert "the logs of jobs stop growing" in farm.cli("health").out
    before = held(log)
    (spool / "filler").unlink()
    wait_until(lambda: log.stat().st_blocks > before + (40 * MIB >> 9), PATIENCE, "the log to grow again")
    assert "the logs of jobs grow again" in worker.said
    farm.end(job, "kill")
    assert farm.ended(job).failure_reason == "OPERATOR"
    shown = farm.cli("logs", job, "--tail", "3")
    assert shown.code == 0
    assert "\0" not in shown.out


def held(log: Path) -> int:
    """Blocks that a log keeps: between two looks it has more for a moment, how much depends on the machine."""
    samples = []
    for _ in range(100):
        samples.append(log.stat().st_blocks)
        time.sleep(0.02)
    return min(samples)


@pytest.mark.attempt("`yes` fills the disk of everything", fault=12)
def test_a_job_fills_the_disk_of_the_home(home: Path, tmp_path: Path, mark: str, disk: Mount) -> None:
    """Spool, PostgreSQL and logs on one small disk: jobs, `kill`, `cleanup` and `up` go on working."""
    data = disk(home, 2000).place
    variables = {"JOBWARDEN_LOG_LIMIT_MB": "0", "JOBWARDEN_KILL_GRACE_SECONDS": "0.5"}
    with brought_up(home, tmp_path, mark, variables=variables) as installation:
        wait_until((data / disk_reserve.FILE).exists, PATIENCE, "the reserve to be held")
        fill(data, 400 * MIB)
        job = installation.submit("exec yes")
        log = Path(installation.until(job, "RUNNING")["allocations"][0]["spool_dir"], "output.log")
        wait_until(lambda: log.stat().st_size > 2000 * MIB, PATIENCE, "two gigabytes of output")
        assert installation.ended(installation.submit("exit 0")).state == "COMPLETED"
        killed = installation.cli("kill", job)
        assert killed.code == 0, killed
        cut = read_cut(str(log.parent))
        assert cut is not None
        assert "the disk was almost full" in cut.notice
        assert installation.cli("cleanup", "--max-age-hours", "0").code == 0


@pytest.mark.attempt("the disk is filled to its last byte", fault=12)
def test_a_job_takes_the_last_byte(home: Path, tmp_path: Path, mark: str, disk: Mount) -> None:
    """The room that was held is given up: `kill`, `down`, `up` and `cleanup` work, and it is held again after."""
    data = disk(home, 2000).place
    with brought_up(home, tmp_path, mark) as installation:
        held = data / disk_reserve.FILE
        wait_until(held.exists, PATIENCE, "the reserve to be held")
        old = installation.submit("head -c 30000000 /dev/zero")
        folder = Path(installation.ended(old).allocations[0]["spool_dir"])
        job = installation.submit("sleep 1000")
        shim = installation.until(job, "RUNNING")["allocations"][0]["process_id"]
        assert installation.cli("down").code == 0
        fill(data, 0)
        assert free(data) < MIB
        up = installation.cli("up", "--no-tui")
        assert up.code == 0, up
        assert not held.exists()
        killed = installation.cli("kill", job)
        assert killed.code == 0, killed
        wait_until(lambda: is_gone(shim), PATIENCE, "the end of the job")
        cleaned = installation.cli("cleanup", "--max-age-hours", "0")
        assert cleaned.code == 0, cleaned
        assert not folder.exists()
        (data / "filler").unlink()
        wait_until(held.exists, PATIENCE, "the reserve to be held again")


def test_the_reserve_of_a_small_disk_is_small_and_none_is_none(home: Path, disk: Mount) -> None:
    """A tenth of the disk at most; 0 keeps nothing, and removes what was held."""
    disk(home, 100)
    settings = Settings(home=home)
    assert disk_reserve.room(settings).reserve == 10 * MIB
    assert disk_reserve.hold(settings)
    assert (home / disk_reserve.FILE).stat().st_blocks * 512 >= 10 * MIB // disk_reserve.HELD
    assert not disk_reserve.hold(settings)
    assert not disk_reserve.give_up_when_full(settings)
    none = Settings(home=home, disk_reserve_mb=0)
    assert not disk_reserve.room(none).short
    disk_reserve.hold(none)
    assert not (home / disk_reserve.FILE).exists()


def test_a_full_disk_cuts_a_log_whose_cut_has_no_room_for_its_name(home: Path, disk: Mount) -> None:
    """The name of a cut is a file as well: without room for it the log is cut first."""
    place = disk(home, 4)
    (home / "output.log").write_bytes(b"line\n" * 200_000)
    place.fill()
    assert trim(str(home), 500_000) is not None
    assert read_cut(str(home)) is not None

"""Old folders go, and only those: nothing of a live allocation, nothing in use, nothing beyond the spool."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from jobwarden.backend.housekeeping import spool
from jobwarden.backend.housekeeping.records import CleanupStep, Limits
from tests.housekeeping.conftest import Past, age
from tests.support.processes import wait_until

TWO_DAYS = Limits(48, 36_500)


def test_folders_of_jobs_that_ended_long_ago_go_and_younger_ones_stay(past: Past) -> None:
    dead = past.stage.worker()
    old, young = past.old_job(dead, 50), past.old_job(dead, 47)
    planned = past.step(CleanupStep.SPOOL, TWO_DAYS, dry_run=True)
    assert Path(old.folder).exists()
    done = past.step(CleanupStep.SPOOL, TWO_DAYS)
    assert (done.count, done.left, done.failed) == (1, (), ())
    assert (planned.count, planned.bytes) == (done.count, done.bytes)
    assert done.bytes >= 4096
    assert not Path(old.folder).exists()
    assert Path(young.folder).exists()
    assert past.step(CleanupStep.SPOOL, TWO_DAYS).count == 0


def test_a_live_allocation_keeps_its_folder_whatever_its_age(past: Past) -> None:
    running = past.stage.run(past.stage.worker(alive=True))
    held = past.stage.finished(past.stage.worker(alive=True))
    for job in (running, held):
        age(Path(job.folder), 5000)
    assert past.step(CleanupStep.SPOOL).count == 0
    assert Path(running.folder, f"job_{running.id}.sh").exists()
    assert Path(held.folder).exists()


def test_processes_that_outlived_the_release_keep_the_folder(past: Past) -> None:
    job = past.stage.run(past.stage.worker(), "sleep 600 & exec sleep 600\n")
    past.end(job.id)
    report = past.step(CleanupStep.SPOOL)
    assert report.count == 0
    assert "1 folder still used by a process" in report.left[-1]
    assert Path(job.folder).exists()
    past.vanish(job)
    assert past.step(CleanupStep.SPOOL).count == 1


def test_a_stranger_with_a_file_open_keeps_the_folder(past: Past) -> None:
    job = past.old_job(past.stage.worker())
    with Path(job.folder, "output.log").open("rb") as log:
        reader = subprocess.Popen(["sleep", "600"], stdin=log, cwd="/")
    try:
        assert past.step(CleanupStep.SPOOL).count == 0
    finally:
        reader.kill()
        reader.wait()
    assert past.step(CleanupStep.SPOOL).count == 1


def test_a_process_that_says_it_is_of_the_allocation_keeps_the_folder(past: Past) -> None:
    past.stage.worker()
    folder = past.folder("77")
    env = {"JOBWARDEN_ALLOCATION_ID": "77", "JOBWARDEN_NODE": "node1"}
    process = subprocess.Popen(["/bin/sleep", "600"], env=env, cwd="/")
    try:
        # The kernel shows the environment of a new program a moment after it has closed our end of the start.
        wait_until(lambda: "77" in spool.look(past.spool, "node1").claimed, what="its environment")
        assert past.step(CleanupStep.SPOOL).count == 0
    finally:
        process.kill()
        process.wait()
    assert past.step(CleanupStep.SPOOL).count == 1
    assert not folder.exists()


def test_folders_that_belong_to_nothing_go_when_they_are_old(past: Past) -> None:
    past.stage.worker()
    old, young = past.folder("900000", hours=100), past.folder("900001", hours=1)
    assert past.step(CleanupStep.SPOOL, TWO_DAYS).count == 1
    assert (old.exists(), young.exists()) == (False, True)


def test_what_is_no_job_folder_is_named_and_left(past: Past) -> None:
    past.stage.worker()
    kept = [past.folder("notes"), past.folder("007"), past.folder("9" * 30)]
    (past.spool / "file").write_text("x")
    (past.settings.home / "spool" / "README").write_text("x")
    report = past.step(CleanupStep.SPOOL)
    assert report.count == 0
    assert len(report.left) == 5
    assert all(path.exists() for path in kept)


def test_a_database_that_never_had_a_worker_here_judges_nothing(past: Past) -> None:
    """The right home with the wrong DATABASE_URL must not cost every log."""
    folder = past.folder("5")
    report = past.step(CleanupStep.SPOOL)
    assert (report.count, folder.exists()) == (0, True)
    assert "does not know" in report.left[0]
    past.stage.worker(machine_id="elsewhere", boot_id="another")
    assert past.step(CleanupStep.SPOOL).count == 0


def test_a_folder_whose_allocation_has_its_place_elsewhere_stays(past: Past) -> None:
    job = past.old_job(past.stage.worker())
    elsewhere = past.settings.home / "spool" / "node2"
    elsewhere.mkdir()
    Path(job.folder).rename(elsewhere / str(job.allocation_id))
    past.stage.execute("INSERT INTO nodes (name, cpus, memory_mb) VALUES ('node2', 1, 1)")
    past.stage.execute("UPDATE workers SET node_name = 'node2'")
    report = past.step(CleanupStep.SPOOL)
    assert report.count == 0
    assert "at another place" in report.left[0]


def test_links_are_never_followed(past: Past, tmp_path: Path) -> None:
    past.stage.worker()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    age(outside, 5000)
    (past.spool / "31").symlink_to(outside)
    (past.settings.home / "spool" / "node9").symlink_to(outside)
    folder = past.folder("32")
    (folder / "link").symlink_to(outside)
    age(folder, 5000)
    report = past.step(CleanupStep.SPOOL)
    assert report.count == 1
    assert not folder.exists()
    assert (outside / "precious").exists()
    assert (past.spool / "31").is_symlink()
    assert sorted(line.rsplit("/", 1)[-1] for line in report.left) == [
        "31 is no job's folder",
        "node9 in the spool is no node's directory",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file immutable")
def test_a_folder_that_cannot_be_removed_is_said_and_the_others_go(past: Past) -> None:
    past.stage.worker()
    stuck, other = past.folder("41"), past.folder("42")
    if subprocess.run(["chattr", "+i", stuck / "output.log"], capture_output=True, check=False).returncode:
        pytest.skip("this file system knows no immutable files")
    try:
        report = past.step(CleanupStep.SPOOL)
    finally:
        subprocess.run(["chattr", "-i", stuck / "output.log"], check=True)
    assert (report.count, other.exists()) == (1, False)
    assert f"{stuck} cannot be removed" in report.failed[0]

"""From another PID namespace it is seen whether anything of a job lives, and no job can make it look otherwise."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from jobwarden.backend.process.identity import Liveness
from jobwarden.backend.process.members import nobody_holds_output, supervisor_liveness
from tests.process.jobs import Job, Jobs
from tests.support.launching import KEY
from tests.support.processes import wait_until


def elsewhere(job: Job) -> Liveness:
    """As a worker of another container sees the supervisor."""
    identity = replace(job.gated.identity, pid_namespace=1)
    return supervisor_liveness(identity, job.folder.path, KEY, job.cookie)


def pipe(job: Job) -> Path:
    return next(path for path in Path(job.folder.path).iterdir() if path.is_fifo())


def test_a_supervisor_that_lives_or_was_killed(jobs: Jobs) -> None:
    job = jobs.start("echo first; exec sleep 600\n")
    job.said("first")
    assert elsewhere(job) is Liveness.UNKNOWN
    job.kill_supervisor()
    assert elsewhere(job) is Liveness.UNKNOWN, "the script still has its output open"
    for pid in children(job):
        os.kill(pid, 9)
    wait_until(lambda: elsewhere(job) is Liveness.GONE, what="the end of the script")


def children(job: Job) -> list[int]:
    from jobwarden.backend.process.procfs import scan

    return [process.pid for process in scan().cookies.get(job.cookie, ())]


def test_a_job_that_closed_its_output_still_lives(jobs: Jobs) -> None:
    job = jobs.start("echo first; exec >&- 2>&-; exec sleep 600\n")
    job.said("first")
    assert elsewhere(job) is Liveness.UNKNOWN


def test_after_an_orderly_end_nothing_is_left_in_the_folder(jobs: Jobs) -> None:
    job = jobs.start("echo first\n")
    job.end()
    assert not [path for path in Path(job.folder.path).iterdir() if path.name.startswith("output.") and path.is_fifo()]


@pytest.mark.parametrize("how", ["removed", "another in its place", "another beside it"])
def test_a_job_cannot_pass_for_dead(jobs: Jobs, how: str) -> None:
    job = jobs.start("echo first; exec sleep 600\n")
    job.said("first")
    own = pipe(job)
    if how == "another beside it":
        os.mkfifo(own.with_name("output." + "0" * 32))
    else:
        own.unlink()
        if how == "another in its place":
            os.mkfifo(own)
    assert elsewhere(job) is Liveness.UNKNOWN


def test_without_a_key_or_a_folder_nothing_is_proven(jobs: Jobs, tmp_path: Path) -> None:
    assert not nobody_holds_output(str(tmp_path / "none"), KEY)
    assert not nobody_holds_output(str(tmp_path), KEY)
    assert not nobody_holds_output(str(tmp_path), None)

"""Jobs in control groups, end to end: nothing escapes the worker, the next one, or the one-key clean-up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobwarden.backend.process.cgroup import ControlGroup, group_of, own_group
from tests.support.processes import wait_until
from tests.worker.farm import PATIENCE, Farm, Worker, alive, go

UNMARKED = """(env -i setsid /bin/sh -c '
  trap "" TERM; echo $$ > daemon; exec >/dev/null 2>&1; while :; do sleep 9; done' &)"""
"""A daemon that ignores TERM, and that only its control group tells whose it is once the supervisor is dead."""


@pytest.fixture(autouse=True)
def _writable() -> None:
    own = own_group()
    if own is None or not os.access(f"{own}/cgroup.procs", os.W_OK):
        pytest.skip("needs a cgroup v2 hierarchy that this user may write")


def group(farm: Farm, job: int) -> ControlGroup:
    allocation = farm.allocation(job)
    found = group_of(allocation.spool_dir, allocation.cookie)
    assert found is not None, farm.all[-1].said
    return found


def unmarked(farm: Farm) -> tuple[Worker, int, int]:
    """A worker with a running job whose supervisor and script were killed, leaving such a daemon."""
    worker = farm.worker()
    job = farm.submit(f"{UNMARKED}\necho $$ > pid\nsleep 600")
    shim, daemon, script = farm.started(job).process_id, farm.number("daemon"), farm.number("pid")
    worker.kill()
    farm.kill_processes(shim, script)
    assert alive(daemon)
    return worker, job, daemon


def test_a_group_for_each_job_that_goes_with_it(farm: Farm) -> None:
    worker = farm.worker()
    assert "each job gets a control group" in worker.said
    job, file = farm.submit_waiting("echo $$ > pid")
    script, inside = farm.number("pid"), group(farm, job)
    assert script in inside.pids()
    assert farm.allocation(job).process_id not in inside.pids()
    go(file)
    assert farm.ended(job).state == "COMPLETED"
    wait_until(lambda: not Path(inside.path).exists(), PATIENCE, "the group to go")


def test_the_next_worker_ends_what_only_the_group_shows(farm: Farm) -> None:
    _, job, daemon = unmarked(farm)
    inside = group(farm, job)
    farm.worker()
    row = farm.ended(job)
    assert (row.state, row.failure_reason) == ("FAILED", "WORKER_LOST")
    assert not alive(daemon)
    wait_until(lambda: not Path(inside.path).exists(), PATIENCE, "the group to go")


def test_clean_up_without_a_worker_ends_what_only_the_group_shows(farm: Farm) -> None:
    _, job, daemon = unmarked(farm)
    [orphan] = farm.cli("orphans", "--json").json
    assert (orphan["job_id"], orphan["kind"]) == (job, "ORPHAN")
    inside = group(farm, job)
    done = farm.cli("clean", "--yes")
    assert done.code == 0, done
    assert farm.job(job).state == "FAILED"
    assert not alive(daemon)
    assert not Path(inside.path).exists()


def test_a_kill_reaches_the_unmarked(farm: Farm) -> None:
    farm.worker()
    job = farm.submit(f"{UNMARKED}\nsleep 600")
    farm.started(job)
    daemon = farm.number("daemon")
    farm.end(job, "kill")
    assert farm.ended(job).failure_reason == "OPERATOR"
    assert not alive(daemon)


def test_what_a_typed_release_left_is_a_stray(farm: Farm) -> None:
    _, job, daemon = unmarked(farm)
    farm.execute("UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id=:job", job=job)
    farm.execute("UPDATE resource_allocations SET released=TRUE WHERE job_id=:job", job=job)
    [stray] = farm.cli("orphans", "--json").json
    assert (stray["job_id"], stray["kind"], stray["process_id"]) == (job, "STRAY", daemon)
    assert farm.cli("clean", "--yes").code == 0
    assert not alive(daemon)


def test_a_group_left_behind_is_swept(farm: Farm) -> None:
    """Its worker died after the release was committed and before the group was removed."""
    old = farm.worker()
    job = farm.submit("sleep 600")
    farm.started(job)
    left = Path(group(farm, job).path).with_name("999999.cookie")
    left.mkdir()
    old.kill()
    farm.worker()
    wait_until(lambda: not left.exists(), PATIENCE, "the group to go")
    assert group(farm, job).populated()
    farm.end(job, "kill")
    farm.ended(job)


def test_off_means_off(farm: Farm) -> None:
    worker = farm.worker(JOBWARDEN_CGROUP="off")
    job = farm.submit("true")
    assert farm.ended(job).state == "COMPLETED"
    assert group_of(farm.allocation(job).spool_dir, farm.allocation(job).cookie) is None
    assert "control group" not in worker.said


def test_a_memory_limit_that_cannot_be_set_is_said_and_does_without(farm: Farm) -> None:
    own = own_group()
    if own is None or "memory" in Path(own, "cgroup.controllers").read_text().split():
        pytest.skip("the memory controller is delegated here")
    worker = farm.worker(JOBWARDEN_LIMIT_MEMORY="true")
    job = farm.submit("true")
    assert farm.ended(job).state == "COMPLETED"
    assert "jobs get no memory limit: the memory controller is not delegated" in worker.said

"""Faults of a job's own processes and files."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobwarden.backend.process.identity import read_stat
from tests.matrix.row import CODE, Row, shows
from tests.support.processes import is_gone, kill_hard, wait_until
from tests.worker.farm import PATIENCE, UNTIL_GO, Farm, alive, go

SUBREAPER = """\
import ctypes, subprocess, sys, time
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
subprocess.Popen(sys.argv[1:])
while True:
    time.sleep(60)
"""
"""The parent of a worker that inherits its orphans and never reaps them: as process 1 of many a container."""


@shows(
    "Jobs",
    fault="the script is killed (`kill -9`) by somebody else",
    sees="the signal, as `0:9`, like any other end by a signal",
    ends=("FAILED", "SCRIPT_ERROR"),
)
def test_a_script_killed_by_a_stranger(farm: Farm, row: Row) -> None:
    farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    kill_hard(farm.number("pid"))
    ended = farm.ended(job)
    row.check(ended)
    assert (ended.exit_code, ended.exit_signal) == (None, signal.SIGKILL)


@shows(
    "Jobs",
    fault="its folder in the spool is deleted while it runs",
    sees="the log is gone; the worker, being the parent, still learns the exit code",
)
def test_the_spool_is_deleted_under_a_running_job(farm: Farm, row: Row) -> None:
    farm.worker()
    job, file = farm.submit_waiting("echo $$ > pid")
    farm.number("pid")  # The script runs: until then its folder is still needed to start it.
    shutil.rmtree(farm.started(job).spool_dir)
    go(file, CODE)
    row.check(farm.ended(job))
    done = farm.cli("logs", job)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1), done
    late = farm.submit("exit 0")
    assert farm.ended(late).state == "COMPLETED"


@shows(
    "Jobs",
    fault="its folder in the spool is deleted while it runs, and then the worker is killed",
    sees="the next worker adopts it; when it ends nobody is left who knows the exit code, and the job says so",
    ends=("FAILED", "WORKER_LOST"),
)
def test_the_spool_is_deleted_and_the_worker_killed(farm: Farm, row: Row) -> None:
    first = farm.worker()
    job, file = farm.submit_waiting("echo $$ > pid")
    farm.number("pid")
    folder = farm.started(job).spool_dir
    first.kill()
    shutil.rmtree(folder)
    farm.worker()
    assert farm.job(job).state == "RUNNING"
    go(file, CODE)
    row.check(farm.ended(job))


@shows(
    "Jobs",
    fault="the whole spool of the node is deleted under a living worker",
    sees="running jobs go on; a new one fails, and its message names the directory",
    operator="`jobwarden down` and `up`, which make the spool anew",
    ends=("FAILED", "LAUNCH_ERROR"),
)
def test_the_whole_spool_is_deleted(farm: Farm, row: Row) -> None:
    worker = farm.worker()
    job, file = farm.submit_waiting("echo $$ > pid")
    farm.number("pid")
    shutil.rmtree(farm.spool())
    late = farm.ended(farm.submit("exit 0"))
    row.check(late)
    assert str(farm.spool()) in late.error_msg
    go(file, CODE)
    assert farm.ended(job).exit_code == CODE
    assert worker.term() == 0
    farm.worker()
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"


@shows(
    "Jobs",
    fault="its supervisor stays a zombie, because nobody reaps it (process 1 of many containers)",
    sees="nothing: a zombie is dead, and its record tells the outcome",
)
def test_a_zombie_supervisor(farm: Farm, row: Row) -> None:
    with unreaped(farm) as worker_pid:
        job, file = farm.submit_waiting()
        shim = farm.started(job).process_id
        kill_zombie(worker_pid)
        go(file, CODE)
        wait_until(lambda: read_stat(shim).state == "Z", PATIENCE, "the zombie")
        farm.worker()
        row.check(farm.ended(job))
        assert read_stat(shim).state == "Z"


@shows(
    "Jobs",
    fault="a process of it is in state D and survives KILL (simulated with the freezer of cgroup v1)",
    sees="flagged `STUCK` with the process, resources kept, node drained; over when the process comes loose",
    operator="remove the cause, often a dead network disk: the node then takes jobs again by itself",
    ends=("FAILED", "OPERATOR"),
)
def test_a_process_in_state_d(farm: Farm, row: Row) -> None:
    farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid", time_limit=600)
    farm.started(job)
    with frozen(farm.number("pid"), farm.mark):
        farm.end(job, "kill")
        wait_until(lambda: kinds(farm) == {job: "STUCK"}, PATIENCE, "the flag")
        assert farm.scalar("SELECT cpus_allocated FROM nodes") == 1
        wait_until(lambda: states(farm) == ["DRAINING"], PATIENCE, "the drain, after a second look")
    row.check(farm.ended(job))
    wait_until(lambda: states(farm) == ["ONLINE"], PATIENCE, "the node to take jobs again")
    assert kinds(farm) == {}


@shows(
    "Jobs",
    fault="worker and job are killed, and the kernel gives the pid of the supervisor to a stranger",
    sees="the job is lost, the stranger is never signalled",
    operator="`jobwarden up`, or `C`",
    ends=("FAILED", "WORKER_LOST"),
)
def test_the_pid_goes_to_a_stranger(farm: Farm, row: Row) -> None:
    worker = farm.worker()
    job, _ = farm.submit_waiting("echo $$ > pid")
    shim, script = farm.started(job).process_id, farm.number("pid")
    worker.kill()
    farm.kill_processes(shim, script)
    file = farm.work / "stop"
    stranger = spawn_with_pid(shim, ["/bin/sh", "-c", UNTIL_GO, "sh", str(file)])
    try:
        farm.worker()
        row.check(farm.ended(job))
        assert alive(stranger.pid)
    finally:
        file.touch()
        assert stranger.wait() == 0


def states(farm: Farm) -> list[str]:
    """What `jobwarden workers` says of each."""
    return [node["state"] for node in farm.cli("workers", "--json").json]


def kinds(farm: Farm) -> dict[int, str]:
    """What `jobwarden orphans` flags."""
    return {anomaly["job_id"]: anomaly["kind"] for anomaly in farm.cli("orphans", "--json").json}


def spawn_with_pid(pid: int, command: list[str]) -> subprocess.Popen[bytes]:
    """Start ``command`` as process ``pid``; skips where the next pid cannot be chosen."""
    last = Path("/proc/sys/kernel/ns_last_pid")
    if not os.access(last, os.W_OK):
        pytest.skip("needs a writable ns_last_pid")
    for _ in range(1000):  # others on this host start processes too
        last.write_text(str(pid - 1))
        process = subprocess.Popen(command)
        if process.pid == pid:
            return process
        process.kill()
        process.wait()
    pytest.skip(f"others on this host are faster, or pid {pid} is in use")


@contextlib.contextmanager
def unreaped(farm: Farm) -> Iterator[int]:
    """A worker whose orphans are inherited by a process that never reaps; the worker's pid."""
    log = farm.work / "unreaped.log"
    with log.open("wb") as output:
        parent = subprocess.Popen(
            [sys.executable, "-c", SUBREAPER, *farm.cli.command("worker")],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=farm.cli.env,
        )  # fmt: skip
    try:
        wait_until(lambda: "has node node1" in log.read_text(), PATIENCE, "the worker")
        yield farm.scalar("SELECT pid FROM workers ORDER BY id DESC LIMIT 1")
    finally:
        parent.kill()
        parent.wait()


def kill_zombie(pid: int) -> None:
    """kill -9 for a process that nobody will reap."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_gone(pid), PATIENCE, f"the end of {pid}")


@contextlib.contextmanager
def frozen(pid: int, name: str) -> Iterator[None]:
    """The process in state D, deaf to KILL; skips where there is no freezer."""
    root = Path("/sys/fs/cgroup/freezer")
    if not os.access(root / "cgroup.procs", os.W_OK):
        pytest.skip("needs a writable cgroup v1 freezer")
    group = root / f"jobwarden-test-{name}"
    group.mkdir()
    try:
        (group / "cgroup.procs").write_text(str(pid))
        (group / "freezer.state").write_text("FROZEN")
        wait_until(lambda: (group / "freezer.state").read_text() == "FROZEN\n", PATIENCE, "the freeze")
        yield
    finally:
        (group / "freezer.state").write_text("THAWED")
        wait_until(lambda: not (group / "cgroup.procs").read_text(), PATIENCE, "the end of the process")
        wait_until(lambda: removed(group), PATIENCE, "the removal of the group")


def removed(group: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        try:
            group.rmdir()
        except OSError:
            return False
    return True

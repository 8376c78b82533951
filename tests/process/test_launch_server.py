"""The launch server: what its shims are, what it knows, and what its loss at any moment costs."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from jobwarden.backend import faults
from jobwarden.backend.errors import LaunchError, Postponed
from jobwarden.backend.process import launch_server
from jobwarden.backend.process.identity import read_stat
from jobwarden.backend.process.launch_server import Gated, LaunchServer
from jobwarden.backend.process.record import RecordKind, read_record
from jobwarden.backend.process.spawn import shim_path
from tests.process.jobs import Jobs
from tests.support.launching import KEY, attempt, launched
from tests.support.processes import MARK, is_gone, wait_until

MARKED = {"JOBWARDEN_COOKIE": "cookie", "JOBWARDEN_JOB_ID": "1"}
PATIENCE = 0.5


@pytest.fixture
def server(mark: str) -> Iterator[LaunchServer]:
    made = LaunchServer(PATIENCE)
    yield made
    made.stop()


def children() -> set[int]:
    """Those of this process, also the ones that ended and that nobody has waited for."""
    return {child.pid for child in psutil.Process().children()}


def test_a_shim_is_a_child_of_the_worker_in_a_session_of_its_own(jobs: Jobs) -> None:
    job = jobs.start("echo up; sleep 60\n", "--epochs", "10")
    shim = psutil.Process(job.pid)
    assert shim.ppid() == os.getpid()
    assert os.getsid(job.pid) == job.pid
    assert job.gated.identity.start_ticks == read_stat(job.pid).start_ticks
    assert [word for word in shim.cmdline() if word][1:] == [job.folder.path, "/", job.folder.script, "--epochs", "10"]
    assert shim.name() == "jobwarden-shim"


def test_a_shim_shows_the_marks_of_its_job_and_nothing_else_of_its_environment(jobs: Jobs) -> None:
    job = jobs.start("sleep 60\n", env={"PASSWORD": "hunter2"}, gate=False)
    shown = Path(f"/proc/{job.pid}/environ").read_bytes().rstrip(b"\0").split(b"\0")
    assert {text.partition(b"=")[0] for text in shown} == {
        b"JOBWARDEN_JOB_ID",
        b"JOBWARDEN_ALLOCATION_ID",
        b"JOBWARDEN_COOKIE",
        b"JOBWARDEN_NODE",
    }
    assert b"JOBWARDEN_COOKIE=" + job.cookie.encode() in shown


def test_arguments_that_are_longer_than_what_ps_shows_reach_the_script(jobs: Jobs) -> None:
    job = jobs.start('echo "${#1} $2"\n', "x" * 100_000, "last", env={"LONG": "y" * 100_000})
    assert job.end().value == 0
    assert job.log == b"100000 last\n"


def test_the_server_keeps_no_secret_and_no_descriptor(jobs: Jobs) -> None:
    """What came for one job is wiped before the next one's is read: a shim never has what another job is told."""
    jobs.start("sleep 60\n", env={"PASSWORD": "hunter2" * 3})
    waiting = jobs.start("sleep 60\n", gate=False)
    for pid, job in ((jobs.server.pid, jobs.all[0]), (waiting.pid, jobs.all[0])):
        memory = _memory(pid)
        for secret in (KEY.encode(), job.cookie.encode(), b"hunter2" * 3, job.folder.script.encode()):
            own = pid != jobs.server.pid and secret == KEY.encode()  # these jobs have the same one
            assert secret not in memory or own, secret
    kinds = [fd.readlink() for fd in Path(f"/proc/{jobs.server.pid}/fd").iterdir()]
    assert sorted(re.sub(r":.*", "", str(kind)) for kind in kinds) == ["/dev/null"] * 3 + ["pipe", "socket"]


def _memory(pid: int) -> bytes:
    """All that a process can write to: what is only read came with its program."""
    found = b""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(number, 16) for number in span.split("-"))
                memory.seek(start)
                found += memory.read(end - start)
    return found


def test_a_large_batch_with_what_fails_in_it(server: LaunchServer, tmp_path: Path, mark: str) -> None:
    (tmp_path / "7").mkdir()
    launches = [attempt(tmp_path, number, "exit 3", environment={MARK: mark}) for number in range(100)]
    launches[50] = attempt(tmp_path, 50, environment={"A=B": ""})
    launches[60] = attempt(tmp_path, 60, arguments=[1])  # type: ignore[list-item]
    launches[70] = replace(launches[70], script=None)  # type: ignore[arg-type]
    results = server.launch(launches)
    errors = {place: result for place, result in enumerate(results) if isinstance(result, LaunchError)}
    assert {place: error.step for place, error in errors.items()} == {
        7: "folder",
        50: "environment",
        60: "environment",
        70: "orders",
    }
    gated = [result for result in results if isinstance(result, Gated)]
    assert server.open(gated) == {one.pid for one in gated}
    assert {os.waitstatus_to_exitcode(os.waitpid(one.pid, 0)[1]) for one in gated} == {3}
    for one in gated:
        os.close(one.pidfd)


def test_a_script_may_be_large_and_need_not_be_text(jobs: Jobs) -> None:
    job = jobs.start(b"#!/bin/sh\nexit 7\n" + b"\0\xff" * 2_000_000)
    assert job.end().value == 7
    assert Path(job.folder.script).stat().st_size == 4_000_017


def test_scripts_that_run_outlive_a_killed_server_and_those_behind_gates_never_run(jobs: Jobs) -> None:
    running = jobs.start("echo up; sleep 60; exit 1\n")
    waiting = jobs.start("echo ran\n", gate=False)
    running.said("up")
    os.kill(jobs.server.pid, signal.SIGKILL)
    assert waiting.end().kind is RecordKind.NEVER
    assert waiting.gated.open_gate() is False
    assert not is_gone(running.pid)
    assert jobs.start("exit 4\n").end().value == 4
    assert not is_gone(running.pid)


@pytest.mark.parametrize("action", ["kill", "stop"])
@pytest.mark.parametrize("point", faults.SERVER_POINTS)
def test_a_server_lost_at_any_step_costs_nothing(
    point: str, action: str, tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each job runs once at most, no gate opens that was not to be, no child is left, and the next server works."""
    before = children()
    monkeypatch.setenv(faults.VARIABLE, f"{point}:{action}:2")
    server = LaunchServer(PATIENCE)
    ran = [tmp_path / f"ran-{number}" for number in range(4)]
    launches = [
        attempt(tmp_path, number, f"echo ran >> {ran[number]}", environment={**MARKED, MARK: mark})
        for number in range(4)
    ]
    results = server.launch(launches[:3])
    gated = [result for result in results if isinstance(result, Gated)]
    assert all(isinstance(result, Gated | Postponed) for result in results)
    assert len(gated) == 3 or point != "launch-opened"
    opened = server.open(gated)
    server.shut(gated)
    for one in gated:
        os.waitpid(one.pid, 0)
        os.close(one.pidfd)
    for number in range(3):
        record = read_record(f"{tmp_path}/{number}", KEY)
        runs = len(ran[number].read_text().split()) if ran[number].exists() else 0
        assert runs == (record is not None and record.kind is RecordKind.EXIT)
    if opened is not None:
        assert [one for one in gated if one.pid in opened] == [one for one in gated if ran[results.index(one)].exists()]
    again = launched(server, launches[3])
    assert again.open_gate()
    os.waitpid(again.pid, 0)
    os.close(again.pidfd)
    assert ran[3].read_text() == "ran\n"
    server.stop()
    assert children() == before


def test_a_stopped_server_ends_with_its_worker(tmp_path: Path) -> None:
    """It would hold the gates of a dead worker for ever."""
    code = """
import os, signal, sys
from jobwarden.backend.process.launch_server import LaunchServer
from tests.support.launching import attempt, launched
server = LaunchServer()
gated = launched(server, attempt(sys.argv[1], 1, "echo ran"))
os.kill(server.pid, signal.SIGSTOP)
print(server.pid, gated.pid, flush=True)
sys.stdin.read()
"""
    worker = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    pids = [int(word) for word in worker.stdout.readline().split()]
    worker.kill()
    worker.communicate()
    wait_until(lambda: all(map(is_gone, pids)), what=f"the end of {pids}")
    record = read_record(f"{tmp_path}/1", KEY)
    assert record is not None and record.kind is RecordKind.NEVER


def test_a_server_that_is_slow_is_waited_for(server: LaunchServer, tmp_path: Path) -> None:
    launched(server, attempt(tmp_path, 1)).give_up()
    os.kill(server.pid, signal.SIGSTOP)
    waker = subprocess.Popen(["/bin/sh", "-c", f"sleep {PATIENCE / 3}; kill -CONT {server.pid}"])
    began, pid = time.monotonic(), server.pid
    launched(server, attempt(tmp_path, 2)).give_up()
    waker.wait()
    assert time.monotonic() - began >= PATIENCE / 3
    assert server.pid == pid


def test_without_a_server_each_job_is_told_why(server: LaunchServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none of them is left with its worker: it was claimed, and would wait for the sweep."""
    monkeypatch.setattr(launch_server, "shim_path", lambda: "/nowhere/jobwarden-shim")
    results = server.launch([attempt("/nowhere", number) for number in range(3)])
    assert [result.step for result in results if isinstance(result, LaunchError)] == ["supervisor"] * 3


def test_the_program_does_nothing_for_others() -> None:
    done = subprocess.run([shim_path(), "/tmp", "/", "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert done.stderr.startswith("jobwarden-shim: the worker starts this program")
    assert done.stderr.count("\n") == 1

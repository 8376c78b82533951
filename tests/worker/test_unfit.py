"""A node that cannot launch: it takes no more jobs, says why, and comes back; and calls that the kernel filters."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jobwarden.backend.domain.states import OUTDATED, REPLACED
from jobwarden.backend.monitoring.health.checks import look
from jobwarden.backend.worker.node_check import MOST_FAILURES, Fitness, Program
from jobwarden.backend.worker.registration import Registration
from tests.support.processes import MARK, is_gone, wait_until
from tests.support.program import copy_program
from tests.worker.farm import PATIENCE, Farm, Worker, go

CALLS = {"pidfd_open": 434, "pidfd_send_signal": 424, "clone3": 435, "close_range": 436}
"""System calls by their numbers, the same on every machine (asm-generic/unistd.h)."""


@pytest.fixture(scope="session")
def deny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that runs another under a filter of system calls; skips where there can be none."""
    program = tmp_path_factory.mktemp("deny") / "deny"
    source = Path(__file__).parents[1] / "support" / "deny.c"
    if shutil.which("cc") is None or platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("needs a C compiler and a machine whose numbers are known")
    subprocess.run(["cc", "-O1", "-o", str(program), str(source)], check=True)
    if subprocess.run([program, "9999", "true"], check=False).returncode:
        pytest.skip("system calls cannot be filtered here")
    return program


def denied(deny: Path, *calls: str) -> tuple[str, ...]:
    return str(deny), ",".join(str(CALLS[call]) for call in calls)


def node(farm: Farm) -> tuple[bool, str | None]:
    [row] = farm.rows("SELECT drained, drain_reason FROM nodes WHERE name = 'node1'")
    return row.drained, row.drain_reason


def said_of_workers(farm: Farm) -> str:
    [check] = [check for check in look(farm.settings).checks if check.check == "workers"]
    return f"{check.status} {check.summary}; {check.advice}"


@pytest.mark.parametrize("call", ["pidfd_open", "pidfd_send_signal", "clone3"])
def test_a_worker_refuses_to_start_without_a_call_it_needs(farm: Farm, deny: Path, call: str) -> None:
    worker = farm.launch(prefix=denied(deny, call))
    assert worker.wait() == 1
    assert worker.said.count("\n") == 1, worker.said
    assert f"cannot do without the system call {call}" in worker.said
    assert farm.scalar("SELECT count(*) FROM workers") == 0


def test_without_close_range_a_job_inherits_nothing(farm: Farm, deny: Path) -> None:
    inherited = ("bash", "-c", 'exec 10</etc/hosts 251</etc/hosts; exec "$@"', "bash")
    farm.worker(prefix=(*inherited, *denied(deny, "close_range")))
    job = farm.submit("readlink /proc/self/fd/*; echo done")
    assert farm.ended(job).state == "COMPLETED"
    assert b"/etc/hosts" not in farm.log(job)


def test_without_close_range_no_supervisor_holds_the_gate_of_another(deny: Path, tmp_path: Path, mark: str) -> None:
    code = """
import os, sys
from jobwarden.backend.process.launch_server import LaunchServer
from tests.support.launching import attempt
server = LaunchServer()
waiting, running = server.launch([attempt(sys.argv[1], n, "sleep 60", environment={MARK: sys.argv[2]}) for n in (1, 2)])
running.open_gate()
os.kill(server.pid, 9)
os.waitpid(waiting.pid, 0)
print(os.waitpid(running.pid, os.WNOHANG))
""".replace("MARK", repr(MARK))
    words = [*denied(deny, "close_range"), sys.executable, "-c", code, str(tmp_path), mark]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout == "(0, 0)\n", done.stderr


@pytest.mark.parametrize("call", ["pidfd_open", "pidfd_send_signal"])
def test_down_works_without_the_call(farm: Farm, deny: Path, call: str) -> None:
    worker = farm.worker()
    done = subprocess.run(
        [*denied(deny, call), *farm.cli.command("down")], env=farm.cli.env, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"stopped the worker of node node1 (pid {worker.pid})" in done.stdout
    assert is_gone(worker.pid)


def test_a_node_whose_launches_all_fail_gets_no_more_jobs(farm: Farm) -> None:
    farm.worker()
    shutil.rmtree(farm.spool())
    farm.spool().touch()
    jobs = [farm.submit("exit 0") for _ in range(4 * MOST_FAILURES)]
    wait_until(lambda: node(farm)[0], PATIENCE, "the drain")
    reason = node(farm)[1] or ""
    assert reason.startswith("launches fail here: 5 in a row, the last one: cannot create the job's folder")
    assert farm.scalar("SELECT reason FROM events WHERE action = 'drain'") == reason
    assert said_of_workers(farm).startswith(f"degraded node node1 gets no jobs: {reason}")
    states = [farm.job(job).state for job in jobs]
    wait_until(lambda: farm.scalar("SELECT count(*) FROM jobs WHERE state = 'RUNNING'") == 0, PATIENCE)
    states = [farm.job(job).state for job in jobs]
    assert (states.count("FAILED"), states.count("PENDING")) == (MOST_FAILURES, 3 * MOST_FAILURES)
    farm.spool().unlink()
    farm.spool().mkdir(mode=0o700)
    assert farm.cli("resume", "node1").code == 0
    assert [farm.ended(job).state for job in jobs].count("COMPLETED") == 3 * MOST_FAILURES


def test_what_was_granted_before_the_drain_is_not_tried_until_somebody_resumes_the_node(farm: Farm) -> None:
    worker = farm.worker()
    fitness = Fitness(farm.engine, Registration(worker.id, 1, "node1", str(farm.spool())))
    for _ in range(MOST_FAILURES):
        fitness.failed("fork", "no room")
    fitness.settle()
    fitness.look_again()
    assert fitness.spent
    assert farm.cli("resume", "node1").code == 0
    fitness.look_again()
    assert not fitness.spent
    for _ in range(MOST_FAILURES):
        fitness.failed("fork", "no room")
    fitness.settle()
    assert node(farm) == (True, f"launches fail here: {MOST_FAILURES} in a row, the last one: no room")


def test_a_launch_that_succeeds_gives_the_node_back_and_a_mistake_of_jobs_takes_nothing(farm: Farm) -> None:
    worker = farm.worker()
    fitness = Fitness(farm.engine, Registration(worker.id, 1, "node1", str(farm.spool())))
    for _ in range(3 * MOST_FAILURES):
        fitness.failed("environment", "the fault of a job")
    fitness.settle()
    assert node(farm) == (False, None)
    for _ in range(MOST_FAILURES):
        fitness.failed("fork", "no room")
    fitness.settle()
    assert node(farm) == (True, f"launches fail here: {MOST_FAILURES} in a row, the last one: no room")
    fitness.succeeded()
    fitness.settle()
    assert node(farm) == (False, None)
    assert farm.cli("drain", "node1", "--reason", "by hand").code == 0
    fitness.succeeded()
    fitness.settle()
    assert node(farm) == (True, "by hand")


def running_from_a_copy(farm: Farm, folder: Path) -> tuple[Path, Worker, int, Path]:
    """A worker that runs from a copy of the program, a job that it runs, and the file that the job waits for."""
    program = copy_program(folder / "program")
    worker = farm.worker(PYTHONPATH=str(program))
    job, file = farm.submit_waiting()
    farm.started(job)
    return program, worker, job, file


def test_launches_wait_while_the_program_is_moved_away(farm: Farm, tmp_path: Path) -> None:
    program, worker, running, file = running_from_a_copy(farm, tmp_path)
    program.rename(tmp_path / "away")
    jobs = [farm.submit("exit 0") for _ in range(3)]
    wait_until(lambda: node(farm) == (True, REPLACED), PATIENCE, "the drain")
    assert f"degraded node node1 gets no jobs: {REPLACED}" in said_of_workers(farm)
    go(file, 5)
    assert farm.ended(running).exit_code == 5
    assert not farm.rows("SELECT 1 FROM jobs WHERE state = 'FAILED' AND failure_reason = 'LAUNCH_ERROR'")
    (tmp_path / "away").rename(program)
    assert [farm.ended(job).state for job in jobs] == ["COMPLETED"] * 3
    assert node(farm) == (False, None)
    program.rename(tmp_path / "away")
    last = farm.submit("exit 0")
    wait_until(lambda: node(farm) == (True, REPLACED), PATIENCE, "the drain")
    worker.kill()
    farm.worker()
    assert farm.ended(last).state == "COMPLETED"
    assert node(farm) == (False, None)


def test_a_worker_whose_program_was_replaced_in_place_says_so_until_it_is_restarted(farm: Farm, tmp_path: Path) -> None:
    program, worker, running, file = running_from_a_copy(farm, tmp_path)
    with (program / "jobwarden" / "backend" / "errors.py").open("a") as file_of_ours:
        file_of_ours.write("# another version\n")
    wait_until(lambda: farm.scalar("SELECT outdated FROM workers WHERE id = :id", id=worker.id), PATIENCE, "the note")
    assert said_of_workers(farm).startswith(
        f"degraded worker {worker.id} of node1 runs other code than is installed on host"
    )
    assert "its jobs go on" in said_of_workers(farm)
    assert OUTDATED in farm.cli("workers").out
    assert worker.said.count("was replaced: restart this worker") == 1
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"
    worker.term()
    farm.worker(PYTHONPATH=str(program))
    assert OUTDATED not in farm.cli("workers").out
    assert said_of_workers(farm).startswith("ok ")
    go(file, 5)
    assert farm.ended(running).exit_code == 5


def test_files_that_were_only_touched_or_put_back_are_the_same_program(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("a = 1\n")
    program = Program(tmp_path)
    os.utime(file, (1, 1))
    assert not program.replaced()
    file.write_text("a = 2\n")
    assert program.replaced()
    file.unlink()
    assert program.replaced()
    file.write_text("a = 1\n")
    assert not program.replaced()

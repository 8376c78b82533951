"""The worker and what supervises it: systemd's readiness and watchdog, its log as JSON, the keeper script, warnings."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobwarden.backend.worker.systemd import danger_of_supervisor, unit_of
from tests.support.cli import COMMAND
from tests.support.processes import is_gone, kill_hard, wait_until
from tests.worker.farm import PATIENCE, Farm

KEEPER = Path(__file__).parents[2] / "deploy" / "keep-worker.sh"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket systemd would listen on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE)
        yield listening


def test_systemd_hears_of_readiness_and_then_of_life(farm: Farm, systemd: socket.socket) -> None:
    worker = farm.worker(NOTIFY_SOCKET=systemd.getsockname())
    heard = [systemd.recv(100) for _ in range(4)]
    assert heard.index(b"READY=1") <= 1  # the heart may beat first
    assert heard.count(b"WATCHDOG=1") == 3
    assert worker.term() == 0


def test_the_log_as_json_has_job_allocation_and_actor(farm: Farm) -> None:
    farm.worker(JOBWARDEN_LOG_FORMAT="json")
    job_id = farm.submit("exit 3")
    farm.ended(job_id)
    worker = farm.all[0]
    wait_until(lambda: f"job {job_id} FAILED" in worker.said, PATIENCE, "the line")
    lines = [json.loads(line) for line in worker.said.splitlines()]
    started, ended = (line for line in lines if line.get("job_id") == job_id)
    assert started["message"].startswith(f"job {job_id} started, supervisor pid ")
    assert ended["message"] == f"job {job_id} FAILED (SCRIPT_ERROR)"
    assert started["allocation_id"] == ended["allocation_id"] == farm.allocation(job_id).id
    assert ended["actor"] == "worker:node1"
    [recovery] = [line for line in lines if "has node" in line["message"]]
    assert recovery["counts"] == {}


def test_a_worker_that_is_killed_is_kept_with_its_jobs(farm: Farm) -> None:
    """A real supervisor: the script that is process 1 of our containers."""
    log = farm.work / "keeper.log"
    with log.open("wb") as output:
        env = {**farm.cli.env, "JOBWARDEN_NODE_NAME": "node1", "PATH": f"{COMMAND.parent}:{os.environ['PATH']}"}
        keeper = subprocess.Popen([KEEPER], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env)
    try:
        job_id, go = farm.submit_waiting()
        pid = farm.started(job_id).process_id
        first = farm.scalar("SELECT pid FROM workers ORDER BY id DESC LIMIT 1")
        kill_hard(first)
        wait_until(lambda: "has node node1: 1 adopted" in log.read_text(), PATIENCE, "the next worker")
        assert farm.allocation(job_id).process_id == pid
        go.write_text("7")
        assert farm.ended(job_id).exit_code == 7
        second = farm.scalar("SELECT pid FROM workers ORDER BY id DESC LIMIT 1")
        keeper.send_signal(signal.SIGTERM)
        assert keeper.wait(PATIENCE) == 0
        assert is_gone(second)
        assert farm.scalar("SELECT end_reason FROM workers ORDER BY id DESC LIMIT 1") == "stopped"
    finally:
        keeper.kill()
        keeper.wait()


def test_the_keeper_gives_up_on_a_wrong_setting(farm: Farm) -> None:
    env = {**farm.cli.env, "JOBWARDEN_LEASE_SECONDS": "none", "PATH": f"{COMMAND.parent}:{os.environ['PATH']}"}
    done = subprocess.run([KEEPER], env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert "JOBWARDEN_LEASE_SECONDS" in done.stderr


def test_process_1_is_warned_of() -> None:
    assert "deploy/keep-worker.sh" in str(danger_of_supervisor(1, "0::/\n"))


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/jobwarden-worker.service\n", "jobwarden-worker.service"),
        ("0::/system.slice/jobwarden-worker.service/worker\n", "jobwarden-worker.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/w.service\n", "w.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", None),
        ("12:pids:/docker/abc\n0::/\n", None),
    ],
)
def test_the_unit_is_found(cgroup: str, unit: str | None) -> None:
    assert unit_of(cgroup) == unit


@pytest.mark.parametrize(
    ("mode", "warned"), [("control-group", True), ("mixed", True), ("process", False), ("", False)]
)
def test_the_kill_mode_of_the_unit_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, warned: bool
) -> None:
    """systemctl is stood in for: no systemd runs where the tests do."""
    stand_in = tmp_path / "systemctl"
    stand_in.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\necho "{mode}"\n')
    stand_in.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("INVOCATION_ID", "0123")
    danger = danger_of_supervisor(4242, "0::/system.slice/w.service\n")
    assert (danger is not None) is warned
    assert (tmp_path / "asked").read_text() == "show --property=KillMode --value -- w.service\n"
    if danger is not None:
        assert "set KillMode=process" in danger

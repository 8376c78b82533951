"""The few process tools of the embedded servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobwarden.backend.embedded import processes

TERM = ((signal.SIGTERM, 5.0),)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "1000"], cwd=tmp_path)
    yield process
    process.kill()
    process.wait()


def test_end_ends_and_says_so_though_nobody_reaps(sleeper: subprocess.Popen[bytes]) -> None:
    assert processes.end(sleeper.pid, TERM, lambda pid: True)
    assert sleeper.wait() == -signal.SIGTERM


def test_end_signals_nobody_whose_identity_is_doubted(sleeper: subprocess.Popen[bytes]) -> None:
    assert processes.end(sleeper.pid, TERM, lambda pid: False)
    assert sleeper.poll() is None


def test_end_of_a_process_long_gone() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert processes.end(process.pid, TERM, lambda pid: True)


def test_end_escalates_and_admits_failure(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('x', flush=True); time.sleep(1000)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert not processes.end(process.pid, ((signal.SIGTERM, 0.05),), lambda pid: True)
        assert processes.end(process.pid, ((signal.SIGTERM, 0.05), (signal.SIGKILL, 5.0)), lambda pid: True)


def test_working_in_wants_place_and_name(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert processes.working_in(tmp_path, ["sleep"]) == [sleeper.pid]
    assert processes.working_in(tmp_path, ["postgres"]) == []
    assert processes.working_in(tmp_path.parent, ["sleep"]) == []


def test_working_in_does_not_count_zombies(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    os.kill(sleeper.pid, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert processes.working_in(tmp_path, ["sleep"]) == []


def test_run_gives_code_and_all_output(tmp_path: Path) -> None:
    done = processes.run(["sh", "-c", "echo out; echo err >&2; pwd; umask; exit 3"], cwd=tmp_path)
    assert done == processes.Finished(3, f"out\nerr\n{tmp_path}\n0077\n")


def test_run_passes_on_no_setting_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JOBWARDEN_HOME", "PGHOST", "LC_MESSAGES"):
        monkeypatch.setenv(name, "secret")
    done = processes.run(["env"], cwd=tmp_path, env={"PGDATA": "/data"})
    assert "secret" not in done.output
    assert "PGDATA=/data" in done.output


def test_listening_tells_a_dead_socket_from_a_live_one(home: Path) -> None:
    path = home / "s"
    assert not processes.listening(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert not processes.listening(path)
        server.listen(0)
        assert processes.listening(path)
        clients = []
        for _ in range(5):  # its queue is full now: busy is alive
            clients.append(client := socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            client.connect_ex(str(path))
        assert processes.listening(path)
        for client in clients:
            client.close()
    assert not processes.listening(path)


def test_wait_until_gives_up() -> None:
    assert processes.wait_until(lambda: True, 0.0)
    assert not processes.wait_until(lambda: False, 0.05)

"""Nothing runs before the gate opens; the supervisor's own state does not reach the script, nor do signals reach it."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil

from jobwarden.backend.process.record import RecordKind, read_record
from tests.process.jobs import Jobs
from tests.support.launching import KEY
from tests.support.processes import is_gone, kill_hard, wait_until

REPORT = """
import os, signal, sys
fds = sorted(int(fd) for fd in os.listdir('/proc/self/fd'))
status = dict(line.split(':\\t', 1) for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)
print('fds', [fd for fd in fds if os.path.exists(f'/proc/self/fd/{fd}')])
print('masks', status['SigBlk'], status['SigPnd'], status['ShdPnd'])
print('ids', os.getsid(0) == os.getppid(), os.getpgid(0) == os.getpid())
"""


def test_closed_gate_means_never(jobs: Jobs) -> None:
    job = jobs.start("echo ran\n", gate=False)
    job.gated.close_gate()
    record = job.end()
    assert record.kind is RecordKind.NEVER
    assert record.gone
    assert job.log == b""


def test_nothing_runs_while_the_gate_is_shut(jobs: Jobs) -> None:
    job = jobs.start("echo ran\n", gate=False)
    wait_until(lambda: _syscall(job.pid).startswith("0 0x3 "), what="the read of the gate")
    assert psutil.Process(job.pid).children() == []
    assert job.log == b""
    assert job.gated.open_gate()
    assert job.end().value == 0
    assert job.log == b"ran\n"


def _syscall(pid: int) -> str:
    return Path(f"/proc/{pid}/syscall").read_text()


def test_gate_of_a_killed_supervisor_says_so(jobs: Jobs) -> None:
    job = jobs.start("echo ran\n", gate=False)
    job.kill_supervisor()
    assert job.gated.open_gate() is False
    assert job.record is None
    assert job.log == b""


def test_another_job_does_not_hold_the_gate_open(jobs: Jobs) -> None:
    first = jobs.start("echo ran\n", gate=False)
    second = jobs.start("sleep 60\n")
    first.gated.close_gate()
    assert first.end().kind is RecordKind.NEVER
    assert not is_gone(second.pid)


def test_script_gets_three_descriptors_and_clean_signals(jobs: Jobs) -> None:
    leak = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leak, True)
    try:
        job = jobs.start(f"#!{sys.executable}\n{REPORT}")
    finally:
        os.close(leak)
    job.end()
    lines = dict(line.split(" ", 1) for line in job.log.decode().splitlines())
    assert lines["fds"] == "[0, 1, 2]"
    assert lines["masks"] == " ".join(["0" * 16] * 3)
    assert lines["ids"] == "True True"


def test_ignored_signals_of_the_worker_are_not_inherited(jobs: Jobs) -> None:
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)  # and Python itself ignores SIGPIPE
    try:
        job = jobs.start("grep SigIgn /proc/self/status\n")
        job.end()
    finally:
        signal.signal(signal.SIGINT, old)
    # glibc's posix_spawn leaves its own two, 32 and 33, ignored in whatever it starts
    assert int(job.log.split()[1], 16) & ~(0b11 << 31) == 0


def test_supervisor_outlives_every_signal_that_can_be_blocked(jobs: Jobs) -> None:
    job = jobs.start("echo up; sleep 60\n")
    job.said("up")
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        os.kill(job.pid, number)
    os.killpg(job.pid, signal.SIGTERM)
    assert not is_gone(job.pid)
    script = psutil.Process(job.pid).children()[0]
    for process in [script, *script.children()]:
        process.terminate()
    assert (job.end().kind, job.end().value) == (RecordKind.SIGNAL, signal.SIGTERM)


def test_a_script_that_kills_its_own_group_is_still_recorded(jobs: Jobs) -> None:
    record = jobs.start("kill -9 0\n").end()
    assert (record.kind, record.value) == (RecordKind.SIGNAL, signal.SIGKILL)


def test_supervisor_stays_until_the_last_daemon_is_gone(jobs: Jobs) -> None:
    script = "setsid sh -c 'setsid sh -c \"echo daemon \\$\\$; exec sleep 60\" & exit' & wait; exit 4\n"
    job = jobs.start(script)
    daemon = wait_until(lambda: job.numbers("daemon"), what="the daemon's pid")[0]
    record = wait_until(lambda: job.record, what="the record")
    assert (record.value, record.gone) == (4, False)
    assert psutil.Process(daemon).ppid() == job.pid
    assert not is_gone(job.pid)
    kill_hard(daemon)
    assert job.end().gone


def test_supervisor_leaves_no_zombies(jobs: Jobs) -> None:
    job = jobs.start("for i in 1 2 3 4 5; do (sleep 0.01 & ) ; done; sleep 0.3; echo ready; sleep 60\n")
    job.said("ready")
    states = [child.status() for child in psutil.Process(job.pid).children(recursive=True)]
    assert psutil.STATUS_ZOMBIE not in states


def test_ps_shows_the_script(jobs: Jobs) -> None:
    job = jobs.start("sleep 60\n", gate=False)
    assert "job_1.sh" in " ".join(psutil.Process(job.pid).cmdline())


WORKER = """
import os, sys
from jobwarden.backend.process.environment import job_environment
from jobwarden.backend.process.launch_server import LaunchServer
from jobwarden.backend.process.spawn import Launch, Orders
from jobwarden.backend.process.spool import Folder
root, script, environ = sys.argv[1], sys.argv[2], dict(MARK.split('=') for MARK in sys.argv[4:])
environment = job_environment(environ, job_id=1, allocation_id=1, cookie='c', node='n')
[job] = LaunchServer().launch([Launch(Folder(f'{root}/1', 1), 1, 'c', script, [], environment, '/', Orders('k' * 32))])
if sys.argv[3] == 'open':
    job.open_gate()
print(job.pid, flush=True)
sys.stdin.read()
"""


def worker_with_job(jobs: Jobs, script: str, gate: str) -> tuple[int, int]:
    """Pids of a worker process and of its job's supervisor."""
    jobs.root.mkdir()
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WORKER), str(jobs.root), script, gate, f"JWTEST_MARK={jobs.mark}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdin is not None
    pid = int(worker.stdout.readline())
    worker.kill()
    worker.wait()
    worker.stdout.close()
    worker.stdin.close()
    return worker.pid, pid


def test_worker_killed_before_the_gate_means_never(jobs: Jobs) -> None:
    _, shim = worker_with_job(jobs, "echo ran\n", "shut")
    wait_until(lambda: is_gone(shim), what="the supervisor")
    record = read_record(f"{jobs.root}/1", KEY)
    assert record is not None
    assert record.kind is RecordKind.NEVER
    assert (jobs.root / "1/output.log").read_bytes() == b""


def test_job_outlives_its_killed_worker_with_log_and_status(jobs: Jobs) -> None:
    go = jobs.root.parent / "go"
    script = f"while [ ! -e '{go}' ]; do sleep 0.02; done; echo after; exit 5\n"
    _, shim = worker_with_job(jobs, script, "open")
    assert not is_gone(shim)
    go.touch()
    wait_until(lambda: is_gone(shim), what="the supervisor")
    record = read_record(f"{jobs.root}/1", KEY)
    assert record is not None
    assert (record.kind, record.value, record.gone) == (RecordKind.EXIT, 5, True)
    assert (jobs.root / "1/output.log").read_bytes() == b"after\n"

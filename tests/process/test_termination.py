"""Ending whole trees: whatever a job does to escape, nothing of it is left and its end is recorded."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from jobwarden.backend.process import termination as ending_module
from jobwarden.backend.process.procfs import scan
from jobwarden.backend.process.record import RecordKind
from jobwarden.backend.process.termination import Termination, TerminationResult, end_tree, end_trees
from tests.process.jobs import Job, Jobs
from tests.support.processes import is_gone, marked, wait_until


@pytest.fixture
def jobs(jobs_both_ways: Jobs) -> Jobs:
    """Whatever kills a job must do so with a control group and without."""
    return jobs_both_ways


PYTHON = f"#!{sys.executable} -S\nimport os, signal, sys, time\n"
DAEMON = 'setsid sh -c \'trap "" TERM; setsid sh -c "trap : TERM; echo daemon \\$\\$; exec sleep 600" &\' &\n'


def end(job: Job, grace: float = 0.2) -> TerminationResult:
    """End a job as a worker does: its supervisor is our child, so it is reaped while the ending goes on."""
    ending = Termination(job.target, grace)
    while (delay := ending.step(time.monotonic(), scan())) is not None:
        if job.status is None and (found := os.waitpid(job.pid, os.WNOHANG))[0]:
            job.status = found[1]
        time.sleep(delay)
    assert ending.result is not None
    return ending.result


def assert_all_gone(job: Job, ended: TerminationResult, *pids: int) -> None:
    assert ended.proven_gone, ended
    assert ended.survivors == []
    assert [pid for pid in (job.pid, *pids) if not is_gone(pid)] == []


def test_term_is_enough_for_a_polite_script(jobs: Jobs) -> None:
    job = jobs.start("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done\n")
    job.said("up")
    ended = end(job, grace=20)
    assert_all_gone(job, ended)
    assert (job.end().kind, job.end().value) == (RecordKind.EXIT, 3)
    assert job.log.endswith(b"bye\n")
    assert not ended.already_ended
    assert job.pid not in ended.signalled
    assert ended.signalled


def test_what_ignores_term_is_killed_after_the_grace(jobs: Jobs) -> None:
    job = jobs.start("trap '' TERM; echo up; while :; do sleep 0.05; done\n")
    job.said("up")
    assert_all_gone(job, end(job))
    assert (job.end().kind, job.end().value) == (RecordKind.SIGNAL, signal.SIGKILL)


def test_clean_up_started_by_a_term_handler_is_left_to_finish(jobs: Jobs) -> None:
    job = jobs.start("trap 'sleep 0.5; sleep 0.5; echo cleaned; exit 0' TERM; echo up; while :; do sleep 0.05; done\n")
    job.said("up")
    assert_all_gone(job, end(job, grace=20))
    assert job.log.endswith(b"cleaned\n")


def test_double_forked_daemon_in_its_own_session(jobs: Jobs) -> None:
    job = jobs.start(DAEMON + "sleep 600\n")
    daemon = wait_until(lambda: job.numbers("daemon"), what="the daemon")[0]
    assert_all_gone(job, end(job), daemon)
    assert job.end().gone


def test_daemon_with_scrubbed_environment(jobs: Jobs) -> None:
    job = jobs.start("env -i setsid /bin/sh -c 'trap \"\" TERM; echo daemon $$; while :; do sleep 9; done' & exit 0\n")
    daemon = wait_until(lambda: job.numbers("daemon"), what="the daemon")[0]
    wait_until(lambda: job.record, what="the script's end")
    ended = end(job)
    assert_all_gone(job, ended, daemon)
    assert ended.already_ended
    assert job.end().value == 0, "what we do to left-overs does not change how the script ended"


def test_stopped_processes_can_still_act_on_term(jobs: Jobs) -> None:
    script = PYTHON + "signal.signal(signal.SIGTERM, lambda *_: os._exit(6))\nprint('up', flush=True)\n"
    job = jobs.start(script + "os.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(600)\n")
    job.said("up")
    child = psutil.Process(job.pid).children()[0]
    wait_until(lambda: child.status() == psutil.STATUS_STOPPED, what="the stop")
    assert_all_gone(job, end(job, grace=20), child.pid)
    assert (job.end().kind, job.end().value) == (RecordKind.EXIT, 6)


def test_stopped_supervisor_is_woken(jobs: Jobs) -> None:
    job = jobs.start("echo up; exec sleep 600\n")
    job.said("up")
    os.kill(job.pid, signal.SIGSTOP)
    assert_all_gone(job, end(job, grace=20))
    assert job.end().value == signal.SIGTERM


def test_supervisor_stopped_later_is_woken_as_well(jobs: Jobs) -> None:
    job = jobs.start("trap '' TERM; echo up; exec sleep 600\n")
    job.said("up")
    ending = Termination(job.target, 0.0)
    assert ending.step(time.monotonic(), scan()) is not None
    os.kill(job.pid, signal.SIGSTOP)
    while (delay := ending.step(time.monotonic(), scan())) is not None:
        time.sleep(delay)
    assert job.end().value == signal.SIGKILL


def test_supervisor_killed_leaves_orphans_that_are_found(jobs: Jobs) -> None:
    """The first is in the supervisor's session without a cookie, the second has one in a session of its own."""
    script = "env -i sh -c 'echo inner $$; while :; do sleep 9; done' &\n" + DAEMON + "wait\n"
    job = jobs.start(script)
    pids = wait_until(lambda: job.numbers("inner") + job.numbers("daemon"), what="pids")
    wait_until(lambda: len(job.numbers("inner") + job.numbers("daemon")) == 2, what="both")
    pids = job.numbers("inner") + job.numbers("daemon")
    job.kill_supervisor()
    assert not any(is_gone(pid) for pid in pids)
    ended = end(job)
    assert_all_gone(job, ended, *pids)
    assert job.record is None


def test_supervisor_killed_while_the_ending_goes_on(jobs: Jobs) -> None:
    """A scrubbed daemon in its own session keeps no mark at all: only having been seen before tells whose it is."""
    job = jobs.start(
        "env -i setsid /bin/sh -c 'trap \"\" TERM; echo daemon $$; exec >/dev/null 2>&1; while :; do sleep 9; done' &\n"
        "sleep 600\n"
    )
    daemon = wait_until(lambda: job.numbers("daemon"), what="the daemon")[0]
    ending = Termination(job.target, 0.5)
    ending.step(time.monotonic(), scan())
    job.kill_supervisor()
    while (delay := ending.step(time.monotonic(), scan())) is not None:
        time.sleep(delay)
    assert ending.result is not None
    assert_all_gone(job, ending.result, daemon)


# Every process ignores TERM and starts another as soon as there are fewer than 200.
BOMB = (
    PYTHON
    + """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    tasks = int(open('/proc/loadavg').read().split()[3].split('/')[1])
    few = tasks < int(sys.argv[1]) and os.urandom(1)[0] < 64  # not all at once, or there are thousands
    if few and os.fork() == 0 and os.getpid() % 2 and os.getpgid(0) != os.getpid():
        os.setsid()
    time.sleep(0.02)
"""
)


def test_fork_bomb_that_ignores_term(jobs: Jobs) -> None:
    """About 200 processes, half of them in sessions of their own, that replace each one that dies."""
    tasks = int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])
    job = jobs.start(BOMB, str(tasks + 200))
    wait_until(lambda: len(marked(jobs.mark)) > 100, what="the bomb to spread")
    pids = marked(jobs.mark)
    ended = end(job)
    assert_all_gone(job, ended, *pids)
    assert job.end().gone


CHAIN = (
    PYTHON
    + """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork():
    os._exit(0)
print('up', flush=True)
while True:
    if os.fork():
        os._exit(0)
    os.setsid()
"""
)


def test_chain_of_processes_that_live_too_briefly_to_be_seen(jobs: Jobs) -> None:
    """Each forks and exits at once: a look at /proc mostly finds none of them."""
    job = jobs.start(CHAIN)
    job.said("up")
    assert_all_gone(job, end(job))
    assert job.end().gone


def test_many_are_ended_at_once(jobs: Jobs) -> None:
    started = [jobs.start("trap '' TERM; echo up; exec sleep 600\n") for _ in range(20)]
    for job in started:
        job.said("up")
    told: list[str] = []
    results = end_trees([job.target for job in started], 0.1, lambda target, _: told.append(target.cookie))
    assert [ended.proven_gone for ended in results] == [True] * 20
    assert sorted(told) == sorted(job.cookie for job in started)


def test_ending_a_job_that_is_gone_signals_nobody(jobs: Jobs) -> None:
    job = jobs.start("exit 3\n")
    job.end()
    ended = end_tree(job.target, 1.0)
    assert ended == TerminationResult(True, [], [], "all processes are gone", True)
    assert end_tree(job.target, 1.0) == ended


def test_gated_supervisor_without_a_script_is_ended(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending_module, "_SHIM_SECONDS", 0.1)
    job = jobs.start("echo ran\n", gate=False)
    assert_all_gone(job, end(job))
    assert job.log == b""


def freezer() -> Path:
    path = Path("/sys/fs/cgroup/freezer")
    if not os.access(path, os.W_OK) or not (path / "tasks").exists():
        pytest.skip("needs a writable cgroup v1 freezer: a frozen process survives KILL as one in state D does")
    return path


def test_unkillable_process_is_named_and_nothing_claimed(jobs: Jobs) -> None:
    group = freezer() / f"jobwarden-test-{os.getpid()}"
    job = jobs.start("echo up; sleep 600\n")
    job.said("up")
    script = psutil.Process(job.pid).children()[0].pid
    group.mkdir()
    try:
        (group / "tasks").write_text(str(script))
        (group / "freezer.state").write_text("FROZEN")
        wait_until(lambda: (group / "freezer.state").read_text() == "FROZEN\n", what="the freeze")
        ending = Termination(job.target, 0.0, stuck_seconds=0.5)
        while (delay := ending.step()) is not None:
            time.sleep(delay)
    finally:
        (group / "freezer.state").write_text("THAWED")
        wait_until(lambda: is_gone(script), what="the thawed process")
        group.rmdir()
    assert ending.result is not None
    assert not ending.result.proven_gone
    assert [(left.pid, left.state) for left in ending.result.survivors] == [(script, "D")]
    assert "uninterruptible" in ending.result.survivors[0].why
    assert "job_1.sh" in ending.result.survivors[0].command
    job.reap()


def test_same_snapshot_twice_does_nothing(jobs: Jobs) -> None:
    """Two looks prove more than one only when they are two."""
    job = jobs.start("echo up; sleep 600\n")
    job.said("up")
    snapshot = scan()
    ending = Termination(job.target, 0.0)
    assert ending.step(time.monotonic(), snapshot) is not None
    signalled = dict(ending._signalled)
    assert ending.step(time.monotonic() + 1, snapshot) == 0.0
    assert ending._signalled == signalled

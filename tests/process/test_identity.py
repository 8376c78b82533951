"""Which process: never a stranger with the same pid, a zombie is gone, what cannot be read is unknown."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from jobwarden.backend.process import identity as identity_module
from jobwarden.backend.process.identity import (
    Liveness,
    ProcessIdentity,
    elapsed_seconds,
    identify,
    liveness,
    parse_pid,
    parse_stat,
    ran_here,
    this_host,
)
from jobwarden.backend.process.members import Target, cookie_index, family, members
from jobwarden.backend.process.procfs import scan
from jobwarden.backend.process.signals import Delivery, deliver, signal_process
from jobwarden.backend.process.termination import end_tree
from tests.process.jobs import Jobs
from tests.support.processes import is_gone, wait_until

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def identity_of(pid: int) -> ProcessIdentity:
    found = identify(pid)
    assert found is not None
    return found


def test_alive_then_zombie_then_gone() -> None:
    process = subprocess.Popen(["sleep", "600"])
    identity = identity_of(process.pid)
    assert liveness(identity) is Liveness.ALIVE
    process.kill()
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, what="the zombie")
    assert liveness(identity) is Liveness.GONE
    assert deliver(identity, signal.SIGTERM) is Delivery.GONE
    process.wait()
    assert liveness(identity) is Liveness.GONE
    assert identify(process.pid) is None


def test_process_whose_first_thread_ended_is_alive() -> None:
    code = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "print(1, flush=True)\nctypes.CDLL(None).pthread_exit(None)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, what="the zombie leader")
        assert liveness(identity_of(process.pid)) is Liveness.ALIVE
        assert signal_process(identity_of(process.pid), signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()


def test_other_boot_and_other_namespace(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper.pid)
    rebooted = replace(identity, boot_id="another")
    elsewhere = replace(identity, pid_namespace=identity.pid_namespace + 1)
    assert liveness(rebooted) is Liveness.GONE
    assert liveness(elsewhere) is Liveness.UNKNOWN
    assert deliver(rebooted, signal.SIGKILL) is Delivery.GONE
    assert deliver(elsewhere, signal.SIGKILL) is Delivery.UNKNOWN
    assert sleeper.poll() is None


def test_same_pid_with_another_start_is_a_stranger(sleeper: subprocess.Popen[bytes]) -> None:
    stranger = replace(identity_of(sleeper.pid), start_ticks=1)
    assert liveness(stranger) is Liveness.GONE
    assert not signal_process(stranger, signal.SIGKILL)
    assert signal_process(identity_of(sleeper.pid), signal.SIGKILL)
    assert sleeper.wait() == -signal.SIGKILL


def start_with_pid(pid: int, argv: list[str], stdout: int) -> subprocess.Popen[bytes]:
    """A leader of its own session with a pid that is free now; others may start meanwhile, so try again."""
    if not os.access(LAST_PID, os.W_OK) or os.geteuid() != 0:
        pytest.skip("forging a pid needs root")
    for _ in range(200):
        LAST_PID.write_text(str(pid - 1))
        process = subprocess.Popen(argv, start_new_session=True, stdout=stdout)
        if process.pid == pid:
            return process
        process.kill()
        process.wait()
    pytest.skip("the pid was never free")


def test_stranger_with_the_supervisors_pid_is_never_signalled(jobs: Jobs) -> None:
    """The stranger even leads a session of that number, with a member in it, like the job before it."""
    job = jobs.start("echo up; exit 0\n")
    job.end()
    time.sleep(0.02)  # a start time is counted in hundredths of a second
    stranger = start_with_pid(job.pid, ["sh", "-c", "sleep 600 & wait"], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: psutil.Process(stranger.pid).children(), what="the stranger's child")
        child = psutil.Process(stranger.pid).children()[0]
        ended = end_tree(job.target, 0.0)
        assert ended.proven_gone
        assert ended.signalled == []
        assert stranger.poll() is None
        assert child.status() == psutil.STATUS_SLEEPING
        assert liveness(job.gated.identity) is Liveness.GONE
    finally:
        os.killpg(stranger.pid, signal.SIGKILL)
        stranger.wait()


def test_session_that_a_stranger_left_behind_is_suspect_not_prey(jobs: Jobs) -> None:
    """The stranger with the supervisor's pid is gone too; its child looks as ours would without cookie and log."""
    job = jobs.start("exit 0\n")
    job.end()
    stranger = start_with_pid(
        job.pid,
        ["sh", "-c", "sleep 600 & echo $!"],
        stdout=subprocess.PIPE,
    )
    assert stranger.stdout is not None
    child = int(stranger.stdout.readline())
    stranger.wait()
    stranger.stdout.close()
    try:
        ended = end_tree(job.target, 0.0)
        assert not ended.proven_gone
        assert ended.signalled == []
        assert [left.pid for left in ended.survivors] == [child]
        assert not is_gone(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_scrubbed_orphan_in_the_dead_session_is_known_by_its_log(jobs: Jobs) -> None:
    job = jobs.start("env -i sh -c 'echo inner $$; exec sleep 600' & sleep 600\n")
    inner = wait_until(lambda: job.numbers("inner"), what="the process")[0]
    job.kill_supervisor()
    for process in scan().cookies[job.cookie]:
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: job.cookie not in scan().cookies, what="the end of those with a cookie")
    assert [process.pid for process in members(job.target, scan())] == [inner]
    assert end_tree(job.target, 0.0).signalled == [inner]
    wait_until(lambda: is_gone(inner), what="its end")


def test_members_are_the_supervisor_first_then_all_of_the_tree(jobs: Jobs) -> None:
    job = jobs.start("setsid sh -c 'echo a $$; exec sleep 600' & echo b $$; exec sleep 600\n")
    wait_until(lambda: job.numbers("a") and job.numbers("b"), what="pids")
    found = [process.pid for process in members(job.target, scan())]
    assert found[0] == job.pid
    assert sorted(found[1:]) == sorted(job.numbers("a") + job.numbers("b"))
    assert os.getpid() not in found


def test_cookie_index_finds_jobs_of_the_whole_host(jobs: Jobs) -> None:
    first, second = jobs.start("exec sleep 600\n"), jobs.start("exec sleep 600\n")
    wait_until(lambda: len(members(first.target, scan())) == 2 == len(members(second.target, scan())), what="scripts")
    index = cookie_index()
    assert sorted(index[first.cookie]) == sorted(process.pid for process in members(first.target, scan()))
    assert first.pid in index[first.cookie]
    assert second.pid in index[second.cookie]
    for job in (first, second):
        end_tree(job.target, 0.0)
        job.reap()
    assert first.cookie not in cookie_index()


def test_cookie_of_a_process_that_just_started_is_not_missed(jobs: Jobs) -> None:
    """A look between fork and exec sees the parent's environment; the next look must not believe it."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "import os; input(); os.execve('/bin/sleep', ['sleep', '600'], dict(os.environ, "
         "JOBWARDEN_COOKIE='late'))"],
        stdin=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert "late" not in cookie_index()
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
        wait_until(lambda: cookie_index().get("late") == [process.pid], timeout=1.5, what="the cookie")
    finally:
        process.kill()
        process.wait()


def test_another_namespace_or_boot_has_no_members_here(jobs: Jobs) -> None:
    job = jobs.start("echo up; exec sleep 600\n")
    job.said("up")
    elsewhere = replace(job.gated.identity, pid_namespace=1)
    target = Target(elsewhere, job.cookie, job.folder.path, None)
    assert family(target, scan()).empty
    ended = end_tree(target, 0.0)
    assert not ended.proven_gone
    assert "another PID namespace" in ended.detail
    rebooted = Target(replace(job.gated.identity, boot_id="before"), job.cookie, job.folder.path, None)
    assert end_tree(rebooted, 0.0).proven_gone
    assert not is_gone(job.pid)


UNPRIVILEGED = """
import os, signal, sys
from jobwarden.backend.process.identity import identify, liveness, this_host
from jobwarden.backend.process.signals import deliver
this_host()
os.setgid(65534); os.setuid(65534)
identity = identify(int(sys.argv[1]))
print(liveness(identity), deliver(identity, signal.SIGKILL))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_process_of_another_user_is_alive_and_refuses(sleeper: subprocess.Popen[bytes]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(sleeper.pid)], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.split() == ["ALIVE", "REFUSED"]
    assert sleeper.poll() is None


HIDDEN = """
mount -t proc -o hidepid=2 proc /proc || exit 77
exec "$0" -c "$1" "$2"
"""
ASK = """
import os, signal, sys
from jobwarden.backend.process.identity import ProcessIdentity, liveness, this_host
from jobwarden.backend.process.procfs import scan
from jobwarden.backend.process.signals import deliver
host = this_host()
identity = ProcessIdentity(int(sys.argv[1]), 1, host.boot_id, host.pid_namespace)
os.setgid(65534); os.setuid(65534)
print(liveness(identity), deliver(identity, signal.SIGKILL), int(sys.argv[1]) in scan().processes)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount /proc")
def test_hidden_process_is_alive_and_never_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    """/proc with hidepid shows nothing of other users: the kernel's refusal alone says that the pid is in use."""
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", HIDDEN, sys.executable, ASK, str(sleeper.pid)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    if done.returncode == 77:
        pytest.skip("cannot mount /proc here")
    assert done.stdout.split() == ["ALIVE", "UNKNOWN", "False"], done.stderr
    assert sleeper.poll() is None


def test_unreadable_stat_is_unknown(sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    identity = identity_of(sleeper.pid)

    def unreadable(pid: int) -> None:
        raise PermissionError(13, "hidden")

    monkeypatch.setattr(identity_module, "read_stat", unreadable)
    assert liveness(identity) is Liveness.UNKNOWN


def test_stat_of_a_process_with_a_hostile_name() -> None:
    tail = b" S 5 6 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 3 0 987 1 2 3"
    for name in (b"a", b"a b", b"a) Z 1 2 3 (", b")", b"\xff\n)"):
        stat = parse_stat(b"42 (" + name + b")" + tail)
        assert (stat.pid, stat.state, stat.ppid, stat.pgrp, stat.session) == (42, "S", 5, 6, 7)
        assert (stat.threads, stat.start_ticks) == (3, 987)


def test_age_does_not_move_with_the_clock(sleeper: subprocess.Popen[bytes]) -> None:
    age = elapsed_seconds(identity_of(sleeper.pid).start_ticks)
    assert 0 <= age < 60
    assert elapsed_seconds(identity_of(os.getpid()).start_ticks) >= age


def test_host_identity_is_complete() -> None:
    host = this_host()
    assert host.machine_id
    assert len(host.boot_id) == 36
    assert host.pid_namespace == Path("/proc/self/ns/pid").stat().st_ino


@pytest.mark.parametrize("text", ["", "0", "-1", "²", "٣", "4194305", "9" * 5000, "1 "])
def test_what_no_process_can_have_is_no_process_id(text: str) -> None:
    with pytest.raises(ValueError, match="not a process id"):
        parse_pid(text)


def test_the_largest_process_id_is_one() -> None:
    assert parse_pid("4194304") == 4_194_304


@pytest.mark.parametrize(
    ("other", "here"),
    [
        ({}, True),
        ({"boot_id": "another"}, True),
        ({"machine_id": "another"}, True),
        ({"boot_id": "another", "hostname": "clone"}, False),
        ({"boot_id": "another", "machine_id": "another"}, False),
        ({"boot_id": "another", "folder": "/no/such/folder"}, False),
        ({"boot_id": "another", "folder": "/"}, True),
    ],
    ids=str,
)
def test_a_machine_id_of_another_boot_counts_only_with_name_and_folder(other: dict[str, str], here: bool) -> None:
    host = this_host()
    ids = {"machine_id": host.machine_id, "boot_id": host.boot_id, "hostname": host.hostname}
    assert ran_here(host=host, **{**ids, **other}) is here

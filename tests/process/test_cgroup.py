"""Control groups: what is inside, what only they find, and that a forged one is not believed."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.process import cgroup
from jobwarden.backend.process.cgroup import POINTER, ControlGroup, Groups, group_of, make_groups, own_group
from jobwarden.backend.process.exit_status import EndCause, judge
from jobwarden.backend.process.members import cookie_index, family
from jobwarden.backend.process.procfs import read_allocation, read_cookie, scan
from jobwarden.backend.process.record import Record, RecordKind
from jobwarden.backend.process.termination import Termination, TerminationResult, end_tree
from tests.process.conftest import started
from tests.process.jobs import Job, Jobs
from tests.process.test_termination import BOMB, CHAIN
from tests.support.ordinary import NOBODY, run_python
from tests.support.processes import is_gone, kill_hard, wait_until

DAEMON = """(env -i setsid /bin/sh -c 'trap "" TERM; echo daemon $$; exec >/dev/null 2>&1; while :; do sleep 9; done' &)
"""
"""In a session of its own, with nothing in its environment and none of the job's files open."""


@pytest.fixture
def contained(tmp_path: Path, mark: str) -> Iterator[Jobs]:
    """Starts jobs in control groups."""
    yield from started(tmp_path, mark, contained=True)


@pytest.fixture
def base() -> Iterator[Path]:
    """An empty control group of this test."""
    own = own_group()
    if own is None or not os.access(f"{own}/cgroup.procs", os.W_OK):
        pytest.skip("needs a cgroup v2 hierarchy that this user may write")
    path = Path(own) / f"jwtest-{os.getpid()}"
    path.mkdir()
    yield path
    ControlGroup(str(path)).kill()
    wait_until(ControlGroup(str(path)).remove, what="the removal of the group")


def number(job: Job, word: str) -> int:
    return wait_until(lambda: job.numbers(word), what=word)[0]


def inside(job: Job) -> set[int]:
    assert job.group is not None
    return job.group.pids()


def test_everything_of_the_job_is_inside_and_its_supervisor_outside(contained: Jobs) -> None:
    job = contained.start("echo script $$\n" + DAEMON + "sleep 600\n")
    pids = {number(job, "script"), number(job, "daemon")}
    assert pids <= inside(job)
    assert job.pid not in inside(job)
    assert job.group is not None
    assert job.group.populated()


def test_a_script_that_ends_leaves_its_group_empty(contained: Jobs) -> None:
    job = contained.start("exit 3\n")
    assert job.end().value == 3
    assert job.group is not None
    assert not job.group.populated()
    assert job.group.remove()
    assert not Path(job.group.path).exists()
    assert job.group.remove(), "twice is no error"


def test_a_script_that_cannot_be_run_says_why_as_without_a_group(contained: Jobs) -> None:
    job = contained.start("#!/no/such/interpreter\n")
    record = job.end()
    assert (record.kind, record.step) == (RecordKind.LAUNCH, "exec")
    job = contained.start("exit 0\n", work_dir="/no/such/directory")
    record = job.end()
    assert (record.kind, record.step) == (RecordKind.LAUNCH, "chdir")


def test_a_group_that_is_gone_does_not_keep_the_script_from_running(contained: Jobs) -> None:
    job = contained.start("echo ran\n", gate=False)
    assert job.group is not None
    assert job.group.remove()
    assert job.gated.open_gate()
    assert job.end().value == 0
    assert job.log == b"ran\n"


def test_daemon_without_any_mark_after_its_supervisor(jobs_both_ways: Jobs) -> None:
    """Scrubbed, in its own session, its supervisor killed: a control group finds it, and nothing else can."""
    job = jobs_both_ways.start("echo script $$\n" + DAEMON + "sleep 600\n")
    daemon = number(job, "daemon")
    job.kill_supervisor()
    kill_hard(number(job, "script"))
    found = {process.pid for process in family(job.target, scan()).others}
    ended = end_tree(job.target, 0.1)
    assert ended.proven_gone, ended
    if jobs_both_ways.groups.parent is None:
        assert daemon not in found
        assert not is_gone(daemon), "left alone, as nothing tells whose it is"
        kill_hard(daemon)
    else:
        assert daemon in found
        assert is_gone(daemon)


def test_that_daemon_shows_its_cookie(contained: Jobs) -> None:
    job = contained.start(DAEMON + "sleep 600\n")
    daemon = number(job, "daemon")
    assert read_cookie(daemon) == job.cookie
    assert read_allocation(daemon) == 1
    assert daemon in cookie_index()[job.cookie]


def test_chain_of_brief_processes_after_its_supervisor(contained: Jobs) -> None:
    """No two looks see the same process of it, and there is no supervisor left whose child it could be."""
    job = contained.start(CHAIN)
    job.said("up")
    job.kill_supervisor()
    assert end_tree(job.target, 0.0).proven_gone
    assert job.group is not None
    assert not job.group.populated()


def test_fork_bomb_after_its_supervisor(contained: Jobs) -> None:
    tasks = int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])
    job = contained.start(BOMB, str(tasks + 100))
    wait_until(lambda: len(inside(job)) > 40, what="the bomb to spread")
    pids = inside(job)
    job.kill_supervisor()
    ended = end_tree(job.target, 0.05)
    assert ended.proven_gone, ended
    assert [pid for pid in pids if not is_gone(pid)] == []


def test_stranger_with_the_pid_of_the_supervisor_gets_nothing(jobs_both_ways: Jobs) -> None:
    """The pid is of another process by now: what belongs to the job is ended all the same."""
    job = jobs_both_ways.start("sleep 600 & echo child $!\nwait\n")
    stranger = jobs_both_ways.start("echo up; sleep 600\n")
    child = number(job, "child")
    stranger.said("up")
    job.kill_supervisor()
    former = stranger.target.identity.start_ticks - 1  # who has a pid next starts later
    forged = replace(job.target, identity=replace(job.target.identity, pid=stranger.pid, start_ticks=former))
    assert end_tree(forged, 0.1).proven_gone
    assert is_gone(child)
    assert not is_gone(stranger.pid)
    assert stranger.group is None or stranger.group.populated()


def test_a_pointer_to_another_group_is_not_believed(contained: Jobs, tmp_path: Path) -> None:
    victim, job = contained.start("echo up; sleep 600\n"), contained.start("echo up; sleep 600\n")
    victim.said("up")
    assert victim.group is not None
    pointer = Path(job.folder.path) / POINTER
    forged = tmp_path / "jobwarden-00" / f"2.{job.cookie}"
    for path in (victim.group.path, str(forged), f"{victim.group.path}/../2.{job.cookie}x", "/sys/fs/cgroup", ""):
        pointer.write_text(path)
        assert job.group is None, path
    assert end(job).proven_gone
    assert victim.group.populated()


def end(job: Job, grace: float = 0.1) -> TerminationResult:
    ending = Termination(job.target, grace)
    while (delay := ending.step()) is not None:
        if job.status is None and (found := os.waitpid(job.pid, os.WNOHANG))[0]:
            job.status = found[1]
        time.sleep(delay)
    assert ending.result is not None
    return ending.result


def test_groups_that_the_job_made_below_its_own_are_part_of_it(contained: Jobs) -> None:
    job = contained.start(
        'mkdir -p "$1/deeper/still"; (echo 0 > "$1/deeper/still/cgroup.procs"; exec sleep 600) & echo child $!; wait\n',
        str(Path(contained.groups.parent or "") / "1.cookie"),
        gate=False,
    )
    assert job.group is not None
    Path(job.folder.script).write_text(Path(job.folder.script).read_text().replace("$1", job.group.path))
    assert job.gated.open_gate()
    child = number(job, "child")
    wait_until(lambda: "still" in Path(f"/proc/{child}/cgroup").read_text(), what="the move")
    assert child in inside(job)
    job.kill_supervisor()
    assert end_tree(job.target, 0.1).proven_gone
    assert is_gone(child)
    assert job.group.remove()


def test_processes_out_of_sight_are_killed_or_reported(contained: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another PID namespace: the group has no pids for us, yet it is populated."""
    job = contained.start(DAEMON + "sleep 600\n")
    daemon = number(job, "daemon")
    job.kill_supervisor()
    monkeypatch.setattr(ControlGroup, "pids", lambda _: {0})
    with monkeypatch.context() as powerless:
        powerless.setattr(ControlGroup, "kill", lambda _: True)
        ending = Termination(job.target, 0.0, stuck_seconds=0.2)
        monkeypatch.setattr(cgroup, "owner", lambda _: None)
        while (delay := ending.step()) is not None:
            time.sleep(delay)
    assert ending.result is not None
    assert not ending.result.proven_gone
    assert "out of sight" in ending.result.detail
    assert end_tree(job.target, 0.0).proven_gone
    assert is_gone(daemon)


def test_this_very_process_is_not_killed_with_its_group(contained: Jobs) -> None:
    """``jobwarden clean`` typed inside a job: it cannot end itself, and says so."""
    code = "import sys; from tests.process.inside import main; main(*sys.argv[1:])"
    job = contained.start(
        f"exec {sys.executable} -c '{code}' \"$@\"\n",
        "unused",
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    job.said("itself")
    assert b"cannot end itself" in job.log
    assert not is_gone(job.pid)


def test_the_sweep_takes_what_nobody_owns(contained: Jobs) -> None:
    owned, used, left = (contained.start(script) for script in ("exit 0\n", "echo up; sleep 600\n", "exit 0\n"))
    owned.end(), left.end()
    used.said("up")
    cgroup.sweep(contained.groups.made(), live={1})
    groups = [job.group for job in (owned, used, left)]
    assert [group is not None and Path(group.path).exists() for group in groups] == [True, True, False]
    assert sorted(contained.groups.made()) == [1, 2]


def test_the_parent_goes_with_the_last_and_comes_back(contained: Jobs) -> None:
    job = contained.start("exit 0\n")
    job.end()
    assert job.group is not None
    assert contained.groups.parent is not None
    assert job.group.remove()
    assert not Path(contained.groups.parent).exists()
    assert contained.groups.made() == {}
    assert contained.start("exit 0\n").group is not None


def test_no_hierarchy_no_groups(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cgroup, "_mounts", lambda: ())
    with caplog.at_level(logging.INFO):
        groups = make_groups(str(tmp_path), limit_memory=False)
    assert groups.parent is None
    assert "no control groups: there is no cgroup v2" in caplog.text
    assert groups.add(1, "cookie", 16) == ("", False)
    assert list(tmp_path.iterdir()) == []


def test_a_group_that_cannot_be_made_costs_only_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert Groups("/proc/nowhere").add(7, "cookie", 16) == ("", False)
    assert "allocation 7 gets no control group" in caplog.text
    assert group_of(str(tmp_path), "cookie") is None


MAKE = """
import logging, sys
logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stdout)
open(sys.argv[1] + "/cgroup.procs", "w").write("0") if len(sys.argv) > 1 else None
from jobwarden.backend.process.cgroup import make_groups
print("parent", make_groups("/some/spool", False).parent)
"""


def test_an_ordinary_user_without_delegation_does_without() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    done = run_python(MAKE)
    assert done.returncode == 0, done.stderr
    assert "is not delegated to this user" in done.stdout
    assert "parent None" in done.stdout


DELEGATED = """
import os, sys, time
from jobwarden.backend.process.cgroup import make_groups, group_of
from jobwarden.backend.process.termination import end_tree
from jobwarden.backend.process.members import Target
from jobwarden.backend.process.environment import job_environment
from jobwarden.backend.process.launch_server import LaunchServer
from jobwarden.backend.process.spawn import Launch, Orders
from jobwarden.backend.process.spool import Folder
spool = sys.argv[1]
path, _ = make_groups(spool, False).add(1, "c00kie", 0)
folder = Folder(spool + "/1", 1)
environment = job_environment({}, job_id=1, allocation_id=1, cookie="c00kie", node="n")
[gated] = LaunchServer().launch([Launch(folder, 1, "c00kie", "env -i setsid sleep 600 & sleep 600\\n", (), environment,
                                        "/", Orders("k" * 32), path)])
gated.open_gate()
group = group_of(folder.path, "c00kie")
while len(group.pids()) < 3:
    time.sleep(0.01)
os.kill(gated.pid, 9); os.waitpid(gated.pid, 0)
target = Target(gated.identity, "c00kie", folder.path, "k" * 32)
print(end_tree(target, 0.0).proven_gone, group.populated(), group.remove())
"""


def test_an_ordinary_user_in_a_delegated_group(base: Path) -> None:
    """As systemd delegates one: the directory and its cgroup.procs belong to the user, who is already inside."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to delegate")
    for path in (base, base / "cgroup.procs", base / "cgroup.subtree_control"):
        os.chown(path, NOBODY, NOBODY)
    enter = "import os, sys\n"
    pid = os.fork()
    if pid == 0:  # the child enters the group as root, then becomes somebody else by run_python
        code = 1
        with suppress(BaseException):
            (base / "cgroup.procs").write_text("0")
            spool = base.name
            folder = Path("/tmp") / f"{spool}-spool"
            folder.mkdir(mode=0o700)
            os.chown(folder, NOBODY, NOBODY)
            done = run_python(enter + DELEGATED, str(folder))
            code = 0 if done.stdout.split() == ["True", "False", "True"] else 1
            if code:
                os.write(2, (done.stdout + done.stderr).encode())
            for left in sorted(folder.rglob("*"), reverse=True):
                left.rmdir() if left.is_dir() else left.unlink()
            folder.rmdir()
        os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


def test_own_group_below_the_root_of_a_mount(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container may see only a part of the hierarchy, mounted under a name with a blank."""
    (tmp_path / "a b" / "unit").mkdir(parents=True)
    texts = {
        "/proc/self/mountinfo": "31 23 0:28 / /x rw - tmpfs tmpfs rw\n"
        f"41 31 0:38 /slice {tmp_path}/a\\040b rw,relatime shared:9 - cgroup2 cgroup2 rw\n",
        "/proc/self/cgroup": "4:memory:/other\n0::/slice/unit\n",
    }
    monkeypatch.setattr(cgroup, "_read", texts.__getitem__)
    cgroup._mounts.cache_clear()
    try:
        assert own_group() == f"{tmp_path}/a b/unit"
        texts["/proc/self/cgroup"] = "0::/slices/unit\n"
        assert own_group() is None
        texts["/proc/self/cgroup"] = "4:memory:/other\n"
        assert own_group() is None
    finally:
        cgroup._mounts.cache_clear()


@pytest.mark.parametrize(
    ("text", "said"), [("oom 3\noom_kill 0\n", False), ("oom 3\noom_kill 12\n", True), (None, False)]
)
def test_out_of_memory_is_what_the_kernel_counted(tmp_path: Path, text: str | None, said: bool) -> None:
    if text is not None:
        (tmp_path / "memory.events").write_text(text)
    assert ControlGroup(str(tmp_path)).out_of_memory() is said


def test_out_of_memory_is_a_verdict_unless_the_script_succeeds() -> None:
    killed, fine = Record(RecordKind.SIGNAL, signal.SIGKILL), Record(RecordKind.EXIT, 0)
    verdict = judge(killed, out_of_memory=True)
    assert (verdict.state, verdict.reason) == (JobState.FAILED, FailureReason.OUT_OF_MEMORY)
    assert (verdict.exit_signal, verdict.message) == (signal.SIGKILL, "out of memory: killed by SIGKILL")
    assert judge(fine, out_of_memory=True).state is JobState.COMPLETED
    assert judge(killed, out_of_memory=True, cause=EndCause.TIMEOUT).reason is FailureReason.TIMEOUT
    assert judge(Record(RecordKind.NEVER), out_of_memory=True).state is JobState.PENDING

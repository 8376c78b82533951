"""What a job prints is in its log, whatever it does to its own standard output."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from jobwarden.backend.process.spawn import Orders
from tests.process.jobs import Job, Jobs
from tests.support.launching import KEY
from tests.support.processes import wait_until

MIB = 1 << 20


def printed(jobs: Jobs, script: str) -> bytes:
    job = jobs.start(script)
    job.end()
    return job.log


@pytest.mark.parametrize("again", ["/dev/stderr", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/self/fd/2"])
@pytest.mark.parametrize("how", [">", ">>", "1<>"])
def test_opening_its_own_output_anew_loses_nothing(jobs: Jobs, again: str, how: str) -> None:
    script = f"echo a1; echo b2 >&2; echo c3 {how} {again}; echo d4; (echo e5; echo f6) {how} {again}; echo g7\n"
    assert printed(jobs, script) == b"a1\nb2\nc3\nd4\ne5\nf6\ng7\n"


def test_emptying_its_own_output_loses_nothing(jobs: Jobs) -> None:
    script = "echo a1; : > /proc/self/fd/1; echo b2; truncate -s 0 /proc/self/fd/1; echo c3\n"
    assert b"a1\nb2\n" in printed(jobs, script)
    assert jobs.all[0].log.endswith(b"c3\n")


def test_a_script_of_another_language_may_open_it_anew(jobs: Jobs) -> None:
    script = (
        "#!/usr/bin/env python3\n"
        "import sys\n"
        "print('first', flush=True)\n"
        "open('/dev/stderr', 'w').write('second\\n')\n"
        "open('/dev/stdout', 'wb').write(b'third\\n')\n"
        "print('fourth')\n"
    )
    assert printed(jobs, script) == b"first\nsecond\nthird\nfourth\n"


def has_record(job: Job) -> bool:
    return job.record is not None


def test_everything_is_in_the_log_when_the_record_is(jobs: Jobs) -> None:
    for size in (1, 65536, 3_000_000):
        job = jobs.start(f"head -c {size} /dev/zero\n")
        wait_until(partial(has_record, job), what="the record")
        assert len(job.log) == size


def test_what_outlives_the_script_still_writes(jobs: Jobs) -> None:
    job = jobs.start("(trap '' HUP; sleep 0.3; echo late; sleep 0.2; echo later) & echo first\n")
    wait_until(lambda: job.record is not None, what="the record")
    job.end()
    assert job.log == b"first\nlate\nlater\n"


def test_a_job_that_closes_its_output_costs_no_processor(jobs: Jobs) -> None:
    job = jobs.start("echo first; exec >&- 2>&-; exec sleep 600\n")
    job.said("first")
    before = cpu_ticks(job)
    wait_until(lambda: len(state(job)) > 0 and state(job)[0] == "S", what="the supervisor to wait")
    os.kill(job.pid, 0)
    assert cpu_ticks(job) - before <= 5


def state(job: Job) -> list[str]:
    return Path(f"/proc/{job.pid}/stat").read_text().rpartition(") ")[2].split()


def cpu_ticks(job: Job) -> int:
    return int(state(job)[11]) + int(state(job)[12])


def test_a_log_that_was_deleted_gives_its_space_back(jobs: Jobs, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    job = jobs.start(
        "exec 3<> go; echo first; read go <&3; echo second; read go <&3; echo third\n", work_dir=str(tmp_path)
    )
    job.said("first")
    Path(job.folder.log).unlink()
    (tmp_path / "go").write_text("x\n")
    wait_until(lambda: not holds_log(job), what="the supervisor to let the log go")
    (tmp_path / "go").write_text("x\n")
    assert (job.end().kind, job.reap()) == ("exit", 0)


def holds_log(job: Job) -> bool:
    held = False
    for entry in Path(f"/proc/{job.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was let go meanwhile
            held = held or "output.log" in str(entry.readlink())
    return held


def test_a_suspended_supervisor_only_keeps_the_job_waiting(jobs: Jobs, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    job = jobs.start(
        "exec 3<> go; echo first; read go <&3; head -c 1000000 /dev/zero; echo last\n", work_dir=str(tmp_path)
    )
    job.said("first")
    os.kill(job.pid, signal.SIGSTOP)
    (tmp_path / "go").write_text("x\n")
    os.kill(job.pid, signal.SIGCONT)
    job.end()
    assert job.log == b"first\n" + bytes(1_000_000) + b"last\n"


def test_what_a_full_disk_does_not_take_is_counted(jobs: Jobs) -> None:
    import resource

    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, former[1]))
    try:
        job = jobs.start("head -c 3000000 /dev/zero; echo last\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert (job.end().kind, job.reap(), len(job.log)) == ("exit", 0, MIB)


def test_a_log_beyond_its_ceiling_waits_for_being_cut(jobs: Jobs) -> None:
    """Nobody cuts here: so it only grows slowly, and the job goes on."""
    job = jobs.start("exec yes\n", orders=Orders(KEY, log_bytes=2 * MIB))
    log = Path(job.folder.log)
    wait_until(lambda: log.stat().st_size > 2 * MIB, what="the ceiling")
    sizes: list[int] = []
    while cpu_ticks_of_children(job) < 30 and len(sizes) < 400:
        sizes.append(log.stat().st_size)
        signal.sigtimedwait([signal.SIGRTMAX], 0.005)
    assert max(sizes) <= 18 * MIB
    Path(job.folder.log).write_bytes(b"")
    wait_until(lambda: log.stat().st_size > MIB, what="the log to go on")


def cpu_ticks_of_children(job: Job) -> int:
    return int(state(job)[13]) + int(state(job)[14])

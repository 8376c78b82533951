"""How scripts end, as the supervisor records it."""

import errno
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from jobwarden.backend.process.record import Record, RecordKind
from tests.process.jobs import Jobs
from tests.support.processes import wait_until


def kind_and_value(record: Record) -> tuple[str, int]:
    return record.kind.value, record.value


@pytest.mark.parametrize("code", [0, 1, 3, 125, 126, 127, 128, 137, 139, 255])
def test_exit_code_is_kept(jobs: Jobs, code: int) -> None:
    job = jobs.start(f"#!/bin/sh\nexit {code}\n")
    assert kind_and_value(job.end()) == ("exit", code)
    assert os.waitstatus_to_exitcode(job.reap()) == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGINT, signal.SIGUSR1, 40])
def test_a_signal_is_not_an_exit_code(jobs: Jobs, number: int) -> None:
    job = jobs.start(f"#!/bin/sh\nkill -{int(number)} $$\n")
    assert kind_and_value(job.end()) == ("signal", number)
    assert os.waitstatus_to_exitcode(job.reap()) == 128 + number


def test_record_has_times_and_memory(jobs: Jobs) -> None:
    before = time.time_ns()
    burn = "x = bytearray(80 << 20); t = __import__('time').process_time\nwhile t() < 0.2: pass"
    record = jobs.start(f"#!{sys.executable}\n{burn}\n").end()
    assert before < record.end_ns <= time.time_ns()
    assert record.user_us + record.system_us >= 190_000
    assert 80 * 1024 < record.max_rss_kib < 800 * 1024


def test_a_core_dump_is_told(jobs: Jobs) -> None:
    limit = "import resource, os\nresource.setrlimit(resource.RLIMIT_CORE, (-1, -1))\nos.abort()"
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    if pattern.startswith(("|", "/")):
        pytest.skip("core dumps of this host do not go to the working directory")
    job = jobs.start(f"#!{sys.executable}\n{limit}\n", work_dir=str(jobs.root.parent))
    record = job.end()
    assert (record.value, record.core) == (signal.SIGABRT, True)


def test_script_without_shebang_is_a_shell_script(jobs: Jobs) -> None:
    job = jobs.start('echo "$1 of $#"; exit 7\n', "one", "two words")
    assert kind_and_value(job.end()) == ("exit", 7)
    assert job.log == b"one of 2\n"


def test_empty_script_ends_well(jobs: Jobs) -> None:
    assert kind_and_value(jobs.start("").end()) == ("exit", 0)


def test_python_by_shebang(jobs: Jobs) -> None:
    job = jobs.start(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\nsys.exit(9)\n", "ä", "")
    assert kind_and_value(job.end()) == ("exit", 9)
    assert job.log.decode() == "['ä', '']\n"


def test_arguments_environment_and_place_arrive_as_they_are(jobs: Jobs) -> None:
    nasty = ["", " ", "a b", "it's", 'say "x"', "new\nline", "\t", "*", "$HOME", "`id`", "\\", "日本", "\udcff"]
    place = jobs.root.parent / "a place\nwith 'quotes' and ü"
    place.mkdir()
    script = f"#!{sys.executable}\nimport os, sys\nprint(ascii((sys.argv[1:], os.environ['NASTY'], os.getcwd())))\n"
    job = jobs.start(script, *nasty, env={"NASTY": "\n".join(nasty)}, work_dir=str(place))
    assert job.end().value == 0
    assert job.log.decode().strip() == ascii((nasty, "\n".join(nasty), str(place)))


def test_marks_of_the_job_are_in_its_environment(jobs: Jobs) -> None:
    job = jobs.start("env | sort\n", env={"JOBWARDEN_COOKIE": "forged", "PATH": "/bin:/usr/bin"})
    job.end()
    lines = job.log.decode().splitlines()
    assert f"JOBWARDEN_COOKIE={job.cookie}" in lines
    assert {"JOBWARDEN_JOB_ID=1", "JOBWARDEN_ALLOCATION_ID=1", "JOBWARDEN_NODE=here", "PATH=/bin:/usr/bin"} <= {*lines}


def test_only_a_few_variables_of_the_worker_reach_the_job(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@host/db")
    job = jobs.start("env\n")
    job.end()
    assert b"secret" not in job.log


@pytest.mark.parametrize(
    ("script", "step", "errno_name"),
    [
        ("#!/usr/bin/nope\n", "exec", "ENOENT"),
        ("#!/bin/sh\r\necho hi\r\n", "exec", "ENOENT"),
        ("#!/etc/passwd\n", "exec", "EACCES"),
        ("#!/\n", "exec", "EACCES"),
    ],
)
def test_script_that_cannot_run(jobs: Jobs, script: str, step: str, errno_name: str) -> None:
    record = jobs.start(script).end()
    assert (record.kind, record.step, record.value) == (RecordKind.LAUNCH, step, getattr(errno, errno_name))
    assert record.gone


def test_work_dir_that_does_not_exist(jobs: Jobs) -> None:
    job = jobs.start("echo ran\n", work_dir="/nope")
    record = job.end()
    assert (record.kind, record.step, record.value) == (RecordKind.LAUNCH, "chdir", 2)
    assert job.log == b"", "nothing may run, and the supervisor says nothing in the job's log"


def test_script_still_open_for_writing_is_waited_for(jobs: Jobs) -> None:
    """ETXTBSY: what a thread that is between fork and exec does to a freshly written script."""
    job = jobs.start("#!/bin/sh\necho ran\n", gate=False)
    fd = os.open(job.folder.script, os.O_WRONLY)
    try:
        job.gated.open_gate()
        child = wait_until(lambda: _first_child(job.pid), what="the script's process")
        assert Path(f"/proc/{child}/comm").read_text().strip() == "jobwarden-shim"
        assert job.record is None
    finally:
        os.close(fd)
    assert kind_and_value(job.end()) == ("exit", 0)


def _first_child(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().strip()


def test_long_line_and_binary_log_are_complete(jobs: Jobs) -> None:
    code = "import sys; w = sys.stdout.buffer.write; w(b'x' * 250_000 + b'\\n'); w(bytes(range(256)))"
    job = jobs.start(f"#!{sys.executable}\n{code}\n")
    assert job.end().value == 0
    assert job.log == b"x" * 250_000 + b"\n" + bytes(range(256))


def test_stdout_and_stderr_share_the_log_in_order(jobs: Jobs) -> None:
    job = jobs.start("for i in 1 2 3; do echo out $i; echo err $i >&2; done; read x || echo no input\n")
    job.end()
    assert job.log == b"out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\nno input\n"
    assert Path(job.folder.log).stat().st_mode & 0o777 == 0o600

"""What a record means, in states and in words."""

import signal
from pathlib import Path

import pytest

from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.process.exit_status import EndCause, Verdict, judge, launch_message, shebang_interpreter
from jobwarden.backend.process.record import Record, RecordKind
from tests.process.jobs import Jobs

EXIT_0 = Record(RecordKind.EXIT, 0)
EXIT_3 = Record(RecordKind.EXIT, 3)
KILLED = Record(RecordKind.SIGNAL, signal.SIGKILL)
NEVER = Record(RecordKind.NEVER)
FAILED, CANCELLED, COMPLETED = JobState.FAILED, JobState.CANCELLED, JobState.COMPLETED


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (EXIT_0, Verdict(COMPLETED, None, 0, None, None)),
        (EXIT_3, Verdict(FAILED, FailureReason.SCRIPT_ERROR, 3, None, "exit code 3")),
        (
            Record(RecordKind.SIGNAL, signal.SIGSEGV, core=True),
            Verdict(FAILED, FailureReason.SCRIPT_ERROR, None, 11, "killed by SIGSEGV (core dumped)"),
        ),
        (KILLED, Verdict(FAILED, FailureReason.SCRIPT_ERROR, None, 9, "killed by SIGKILL")),
        (
            Record(RecordKind.EXIT, 139),
            Verdict(
                FAILED,
                FailureReason.SCRIPT_ERROR,
                139,
                None,
                "exit code 139 (in a shell: a command of the script was killed by SIGSEGV)",
            ),
        ),
        (
            Record(RecordKind.EXIT, 127),
            Verdict(
                FAILED,
                FailureReason.SCRIPT_ERROR,
                127,
                None,
                "exit code 127 (in a shell: a command of the script was not found)",
            ),
        ),
        (NEVER, Verdict(JobState.PENDING, message="never started")),
    ],
)
def test_script_that_ended_by_itself(record: Record, verdict: Verdict) -> None:
    assert judge(record) == verdict
    assert judge(record, rebooted=True) == verdict, "finished work counts, also after a restart of the host"


@pytest.mark.parametrize(
    ("cause", "state", "reason"),
    [
        (EndCause.TIMEOUT, FAILED, FailureReason.TIMEOUT),
        (EndCause.CANCELLED, CANCELLED, None),
        (EndCause.KILLED, FAILED, FailureReason.OPERATOR),
        (EndCause.OUT_OF_MEMORY, FAILED, FailureReason.OUT_OF_MEMORY),
    ],
)
def test_what_we_did_outranks_what_the_script_made_of_it(
    cause: EndCause, state: JobState, reason: FailureReason | None
) -> None:
    for record in (EXIT_0, EXIT_3, KILLED, NEVER, None):
        verdict = judge(record, cause=cause)
        assert (verdict.state, verdict.reason) == (state, reason)
        assert verdict.message
    assert judge(EXIT_3, cause=cause).exit_code == 3
    assert judge(KILLED, cause=cause).exit_signal == signal.SIGKILL


def test_messages_of_what_we_did() -> None:
    assert judge(KILLED, cause=EndCause.TIMEOUT).message == "time limit reached: killed by SIGKILL"
    assert judge(NEVER, cause=EndCause.CANCELLED).message == "cancelled before it started"


def test_no_record_is_never_completed() -> None:
    lost, rebooted = judge(None), judge(None, rebooted=True)
    assert (lost.state, lost.reason, lost.exit_code) == (FAILED, FailureReason.WORKER_LOST, None)
    assert (rebooted.state, rebooted.reason) == (FAILED, FailureReason.HOST_REBOOT)


@pytest.mark.parametrize(
    ("script", "work_dir", "message"),
    [
        ("echo\n", "/nope", "cannot change to /nope: No such file or directory"),
        ("echo\n", "/etc/passwd", "cannot change to /etc/passwd: Not a directory"),
        ("#!/usr/bin/nope -x\n", "/", "cannot run job_1.sh: interpreter /usr/bin/nope not found"),
        (
            "#!/bin/sh\r\necho\r\n",
            "/",
            "cannot run job_1.sh: interpreter /bin/sh not found (the script has Windows line ends)",
        ),
        ("#! /etc/passwd\n", "/", "cannot run job_1.sh: interpreter /etc/passwd is not executable"),
    ],
)
def test_failed_launch_names_the_file_at_fault(jobs: Jobs, script: str, work_dir: str, message: str) -> None:
    job = jobs.start(script, work_dir=work_dir)
    verdict = judge(job.end(), script=job.folder.script, work_dir=work_dir)
    assert verdict == Verdict(FAILED, FailureReason.LAUNCH_ERROR, message=message)
    assert judge(job.end(), cause=EndCause.CANCELLED, script=job.folder.script).state is FAILED


def test_launch_message_without_files() -> None:
    assert launch_message(Record(RecordKind.LAUNCH, 2, step="exec")).startswith("cannot run the script: No such file")
    assert "another process" in launch_message(Record(RecordKind.LAUNCH, 11, step="fork"))
    assert "noexec" in launch_message(Record(RecordKind.LAUNCH, 13, step="exec"))
    assert "too large" in launch_message(Record(RecordKind.LAUNCH, 7, step="exec"))


@pytest.mark.parametrize(
    ("head", "interpreter"),
    [
        (b"#!/bin/sh", "/bin/sh"),
        (b"#! \t/usr/bin/env python3\n", "/usr/bin/env"),
        (b"#!/bin/sh\r\n", "/bin/sh\r"),
        (b"#!\n", None),
        (b"echo\n", None),
        (b"", None),
    ],
)
def test_interpreter_of_a_script(tmp_path: Path, head: bytes, interpreter: str | None) -> None:
    (tmp_path / "script").write_bytes(head)
    assert shebang_interpreter(str(tmp_path / "script")) == interpreter
    assert shebang_interpreter(str(tmp_path / "missing")) is None

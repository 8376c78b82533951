"""From the record of a script's end to what is stored of the job, and to words for whoever is woken by it."""

import errno
import os
import signal
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.domain.units import signal_name
from jobwarden.backend.files import read_within
from jobwarden.backend.process.record import Record, RecordKind

_SHEBANG_LIMIT = 256  # BINPRM_BUF_SIZE: the kernel looks no further


class EndCause(StrEnum):
    """Why jobwarden itself ended a job. What we did outranks what the script then made of it."""

    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"
    KILLED = "KILLED"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a job ended, as stored in ``jobs``. State PENDING means that it provably never started.

    ``exit_code`` is None when a signal ended the script, both are None when nobody knows.
    """

    state: JobState
    reason: FailureReason | None = None
    exit_code: int | None = None
    exit_signal: int | None = None
    message: str | None = None


_BY_CAUSE: dict[EndCause, tuple[JobState, FailureReason | None, str]] = {
    EndCause.TIMEOUT: (JobState.FAILED, FailureReason.TIMEOUT, "time limit reached"),
    EndCause.CANCELLED: (JobState.CANCELLED, None, "cancelled"),
    EndCause.KILLED: (JobState.FAILED, FailureReason.OPERATOR, "ended on request"),
    EndCause.OUT_OF_MEMORY: (JobState.FAILED, FailureReason.OUT_OF_MEMORY, "out of memory"),
}
_LOST = "ended without an exit status: its supervisor was killed or could not write to the spool"
_SHELL_CODES = {126: "a command of the script could not be executed", 127: "a command of the script was not found"}
_REBOOTED = "the host was restarted while the job ran"


def judge(
    record: Record | None,
    *,
    cause: EndCause | None = None,
    out_of_memory: bool = False,
    rebooted: bool = False,
    script: str = "",
    work_dir: str = "",
    doubt: str = "",
) -> Verdict:
    """The outcome of an attempt whose processes are gone.

    ``cause``: why we ended it; leave it None when the script had ended before we did anything.
    ``out_of_memory``: the kernel killed one of its processes for that; a script that succeeds all the same counts.
    ``rebooted``: the host's boot id has changed since the start. ``script`` and ``work_dir`` are paths for the
    message of a failed launch (the script is read for the interpreter it names). ``doubt``: why what lies in the place
    of a record is none.
    """
    if record is not None and record.kind is RecordKind.LAUNCH:
        message = launch_message(record, script, work_dir)
        return Verdict(JobState.FAILED, FailureReason.LAUNCH_ERROR, message=message)
    if cause is not None:
        return _ended_by_us(cause, record)
    if record is None:
        reason, message = (FailureReason.HOST_REBOOT, _REBOOTED) if rebooted else (FailureReason.WORKER_LOST, _LOST)
        return Verdict(JobState.FAILED, reason, message=f"{message}; {doubt}" if doubt else message)
    if out_of_memory and record.kind is not RecordKind.NEVER and (record.kind, record.value) != (RecordKind.EXIT, 0):
        return _ended_by_us(EndCause.OUT_OF_MEMORY, record)
    return _ended_by_itself(record)


def _ended_by_us(cause: EndCause, record: Record | None) -> Verdict:
    state, reason, words = _BY_CAUSE[cause]
    if record is None:
        return Verdict(state, reason, message=words)
    if record.kind is RecordKind.NEVER:
        return Verdict(state, reason, message=f"{words} before it started")
    code, sig = _code_and_signal(record)
    return Verdict(state, reason, code, sig, f"{words}: {end_message(record)}")


def _ended_by_itself(record: Record) -> Verdict:
    if record.kind is RecordKind.NEVER:
        return Verdict(JobState.PENDING, message="never started")
    code, sig = _code_and_signal(record)
    if code == 0:
        return Verdict(JobState.COMPLETED, exit_code=0)
    return Verdict(JobState.FAILED, FailureReason.SCRIPT_ERROR, code, sig, end_message(record))


def _code_and_signal(record: Record) -> tuple[int | None, int | None]:
    return (record.value, None) if record.kind is RecordKind.EXIT else (None, record.value)


def end_message(record: Record) -> str:
    """How a script that ran ended: ``exit code 3``, ``killed by SIGSEGV (core dumped)``."""
    if record.kind is RecordKind.SIGNAL:
        return f"killed by {signal_name(record.value)}{' (core dumped)' if record.core else ''}"
    return f"exit code {record.value}{_shell_hint(record.value)}"


def _shell_hint(code: int) -> str:
    """What POSIX shells mean by some codes (XCU 2.8.2); the script may mean something else, so only a hint."""
    if code in _SHELL_CODES:
        return f" (in a shell: {_SHELL_CODES[code]})"
    if 128 < code <= 128 + signal.SIGRTMAX:
        return f" (in a shell: a command of the script was killed by {signal_name(code - 128)})"
    return ""


def launch_message(record: Record, script: str = "", work_dir: str = "") -> str:
    """Why a script could not be started, naming the file at fault."""
    why = os.strerror(record.value)
    name = Path(script).name or "the script"
    if record.step == "chdir":
        return f"cannot change to {work_dir or 'the working directory'}: {why}"
    if record.step == "fork":
        return f"the host cannot start another process: {why}"
    if record.step in ("user", "limits", "output"):
        return f"cannot set the {record.step} of the job: {why}"
    if record.step == "exec" and record.value == errno.EAGAIN:
        return f"its user has as many processes as it may have (pids_limit): {why}"
    return f"cannot run {name}: {_exec_failure(record.value, script, why)}"


def _exec_failure(code: int, script: str, why: str) -> str:
    interpreter = shebang_interpreter(script)
    if code == errno.ENOENT and interpreter:
        dos = " (the script has Windows line ends)" if interpreter.endswith("\r") else ""
        return f"interpreter {interpreter.rstrip()} not found{dos}"
    if code == errno.EACCES and interpreter and not os.access(interpreter, os.X_OK):
        return f"interpreter {interpreter} is not executable"
    if code == errno.EACCES:
        return f"{why} (is the spool on a disk mounted noexec?)"
    if code == errno.E2BIG:
        return "its arguments and environment are too large for this system"
    return why


def shebang_interpreter(script: str) -> str | None:
    """Path of the interpreter in the first line of ``script``; None without one or when it cannot be read."""
    try:
        head = read_within(os.path.dirname(script), os.path.basename(script), _SHEBANG_LIMIT)  # noqa: PTH119, PTH120
    except OSError:
        return None
    if not head.startswith(b"#!"):
        return None
    # The kernel splits at blanks and tabs alone, so a carriage return belongs to the name.
    words = head[2:].split(b"\n", 1)[0].strip(b" \t").replace(b"\t", b" ").split(b" ", 1)
    return os.fsdecode(words[0]) or None

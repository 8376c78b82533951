"""How a state looks: always a glyph and a word, with a colour role only in addition.

Roles are names of component classes; the files in styles give them colours of the theme. The role ``anomaly`` is
kept for what needs a person.
"""

import signal
from dataclasses import dataclass

from backend.domain.states import FailureReason, JobState, WorkerState
from backend.readmodel.records import JobRow, WorkerRow

ROLES = ("plain", "pending", "running", "completed", "failed", "cancelled", "anomaly", "dim", "good", "bad")
"""Every colour role a cell may have."""
ANOMALY_GLYPH = "⚠"


@dataclass(frozen=True, slots=True)
class Look:
    """Glyph, word and colour role of one state."""

    glyph: str
    word: str
    role: str

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


STATE_LOOKS = {
    JobState.PENDING: Look("○", "PENDING", "pending"),
    JobState.RUNNING: Look("●", "RUNNING", "running"),
    JobState.COMPLETED: Look("✓", "COMPLETED", "completed"),
    JobState.FAILED: Look("✗", "FAILED", "failed"),
    JobState.CANCELLED: Look("⊘", "CANCELLED", "cancelled"),
}
STARTING = Look("◔", "STARTING", "running")
HELD = Look("‖", "HELD", "pending")
STOPPED = Look("○", "STOPPED", "dim")
WORKER_LOOKS = {
    WorkerState.ONLINE: Look("●", "ONLINE", "good"),
    WorkerState.DRAINING: Look("◔", "DRAINING", "pending"),
    WorkerState.DEAD: Look("✗", "DEAD", "bad"),
}
_REASONS = {
    FailureReason.TIMEOUT: "timeout",
    FailureReason.OUT_OF_MEMORY: "out of memory",
    FailureReason.WORKER_LOST: "worker lost",
    FailureReason.HOST_REBOOT: "host reboot",
    FailureReason.LAUNCH_ERROR: "launch error",
    FailureReason.OPERATOR: "by operator",
}


def job_look(job: JobRow) -> Look:
    """Return how a job's state is shown; RUNNING that has not begun is STARTING, held PENDING is HELD."""
    if job.state is JobState.RUNNING and job.start_time is None:
        return STARTING
    if job.state is JobState.PENDING and job.held:
        return HELD
    return STATE_LOOKS[job.state]


def worker_look(worker: WorkerRow) -> Look:
    """Return how a worker's state is shown. A clean stop is no death: nothing is wrong where it was told to go."""
    if worker.state is WorkerState.DEAD and worker.ended_at is not None and not worker.running_jobs:
        return STOPPED
    return WORKER_LOOKS[worker.state]


def beside(state: str, note: str) -> str:
    """Return a note as it stands beside a state: empty when it has nothing but the state to say.

    >>> beside("HELD", "held"), beside("DEAD", "stopped")
    ('', 'stopped')
    """
    return "" if note.casefold() == state.casefold() else note


def outcome(job: JobRow) -> str:
    """Say in a few letters how a job ended: ``exit 3``, ``SIGSEGV``, ``timeout``; empty while it has not."""
    if job.failure_reason is not None and job.failure_reason in _REASONS:
        return _REASONS[job.failure_reason]
    if job.exit_signal:
        return signal_name(job.exit_signal)
    if job.exit_code is not None:
        return f"exit {job.exit_code}"
    return ""


def signal_name(number: int) -> str:
    """Return the name of a signal, ``signal 99`` when it has none.

    >>> signal_name(11)
    'SIGSEGV'
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

"""How a state looks: always a glyph and a word, with a colour role only in addition, and the roles as styles.

Roles are names of component classes; the files in styles give them colours of the theme. The role ``anomaly`` is
kept for what needs a person.
"""

from dataclasses import dataclass

from rich.style import Style
from textual.widget import Widget

from jobwarden.backend.domain.states import FailureReason, JobState, WorkerState
from jobwarden.backend.domain.units import signal_name
from jobwarden.backend.queries.models.jobs import JobRow, WorkerRow
from jobwarden.tui.messages import on_screen

ROLES = ("plain", "pending", "running", "completed", "failed", "cancelled", "anomaly", "dim", "good", "bad")
"""Every colour role a cell may have."""
ANOMALY_GLYPH = "⚠"


@dataclass(frozen=True, slots=True)
class Appearance:
    """Glyph, word and colour role of one state."""

    glyph: str
    word: str
    role: str

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


STATE_LOOKS = {
    JobState.PENDING: Appearance("○", "PENDING", "pending"),
    JobState.RUNNING: Appearance("●", "RUNNING", "running"),
    JobState.COMPLETED: Appearance("✓", "COMPLETED", "completed"),
    JobState.FAILED: Appearance("✗", "FAILED", "failed"),
    JobState.CANCELLED: Appearance("⊘", "CANCELLED", "cancelled"),
}
STARTING = Appearance("◔", "STARTING", "running")
HELD = Appearance("‖", "HELD", "pending")
STOPPED = Appearance("○", "STOPPED", "dim")
WORKER_LOOKS = {
    WorkerState.ONLINE: Appearance("●", "ONLINE", "good"),
    WorkerState.DRAINING: Appearance("◔", "DRAINING", "pending"),
    WorkerState.DEAD: Appearance("✗", "DEAD", "bad"),
}
_REASONS = {
    FailureReason.TIMEOUT: "timeout",
    FailureReason.OUT_OF_MEMORY: "out of memory",
    FailureReason.WORKER_LOST: "worker lost",
    FailureReason.HOST_REBOOT: "host reboot",
    FailureReason.LAUNCH_ERROR: "launch error",
    FailureReason.OPERATOR: "by operator",
}


def job_look(job: JobRow) -> Appearance:
    """Return how a job's state is shown; RUNNING that has not begun is STARTING, held PENDING is HELD."""
    if job.state is JobState.RUNNING and job.start_time is None:
        return STARTING
    if job.state is JobState.PENDING and job.held:
        return HELD
    return STATE_LOOKS[job.state]


def worker_look(worker: WorkerRow) -> Appearance:
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


# Colour roles of a widget as Rich styles: foreground and emphasis only, so that they go over any background.


def role_style(widget: Widget, component: str) -> Style:
    """Return the foreground style of a component class, with transparency already mixed in."""
    style = _style(widget, component)
    return Style(color=style.color, bold=style.bold, dim=style.dim, italic=style.italic)


def badge_style(widget: Widget, component: str) -> Style:
    """Return the style of a component class with its background."""
    style = _style(widget, component)
    return Style(color=style.color, bgcolor=style.bgcolor, bold=style.bold)


def _style(widget: Widget, component: str) -> Style:
    """None at all for a widget that has left the screen: Textual takes its styles away before its last message."""
    try:
        return widget.get_component_rich_style(component)
    except KeyError:
        if on_screen(widget):
            raise
        return Style.null()

"""The log screen alone, over one log: ``python -m benchmarks.logs.viewer LOG``; ``o`` opens it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from jobwarden.backend.domain.states import JobState
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.tui.app.main import JobwardenApp
from jobwarden.tui.screens.log import LogScreen

READY = "press o"


class Viewer(App[None]):
    """The look of the dashboard without its data."""

    CSS_PATH = JobwardenApp.CSS_PATH
    BINDINGS: ClassVar[list[BindingType]] = [("o", "open", "open")]

    def __init__(self, log: Path) -> None:
        super().__init__()
        self.animation_level = "none"
        self._path = log

    def compose(self) -> ComposeResult:
        """Say that it is there."""
        yield Static(READY)

    def action_open(self) -> None:
        """Open the log."""
        self.push_screen(LogScreen(job(self._path)))


def job(log: Path) -> JobRow:
    """A job whose log this is."""
    now = datetime.now(UTC)
    return JobRow(
        id=1, name="train", account="alice", partition="main", state=JobState.RUNNING, held=False, priority=0, cpus=1,
        memory_mb=512, gpus=0, time_limit=None, submit_time=now, start_time=now, end_time=None, exit_code=None,
        exit_signal=None, failure_reason=None, error_msg=None, node_name="here", spool_dir=str(log.parent),
    )  # fmt: skip


if __name__ == "__main__":
    Viewer(Path(sys.argv[1])).run()

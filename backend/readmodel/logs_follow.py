"""The thread that follows the log of the selected job, so that no read of a slow disk is felt at the keyboard."""

import threading
from collections.abc import Callable
from pathlib import Path

from backend.domain.states import JobState
from backend.process import spool
from backend.readmodel.logs import LogTail, LogView
from backend.readmodel.mishap import mishap
from backend.readmodel.records import JobRow

LOOK_EVERY = 0.1
"""Seconds between two looks at a log that may grow."""


def log_path(job: JobRow) -> Path | None:
    """Return where the log of a job's latest attempt is on this host, None when there is none or not here."""
    return Path(spool.log_path(job.spool_dir)) if job.spool_dir and job.remote_host is None else None


def without_log(job: JobRow) -> LogView:
    """Say why there is no log to read here."""
    if job.spool_dir and job.remote_host is not None:
        return LogView(job.id, note=f"the log is on node {job.node_name} (host {job.remote_host}): read it there")
    if job.state is JobState.PENDING:
        return LogView(job.id, note="not started yet: the log appears when the job runs")
    return LogView(job.id, note="this job never ran: there is no log")


class LogFollower:
    """Delivers a LogView whenever the followed log differs from what was delivered last."""

    def __init__(self, deliver: Callable[[LogView], None]) -> None:
        self._deliver = deliver
        self._signal = threading.Condition()
        self._job: JobRow | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="log-follower", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        with self._signal:
            self._stopping = True
            self._signal.notify()
        self._thread.join(2)

    def follow(self, job: JobRow | None) -> None:
        """Follow this job's log instead of the one before, and deliver what it says now; None for none."""
        with self._signal:
            self._job = job
            self._signal.notify()

    def _run(self) -> None:
        tail: LogTail | None = None
        shown = LogView()
        job: JobRow | None = None
        while not self._stopping:
            with self._signal:
                wanted = self._job
            if wanted is not job:
                tail, job, shown = self._switch(tail, wanted), wanted, LogView()
            try:
                view = self._look(tail, job)
            except Exception as exc:  # a mistake of ours must show on the screen, not end the thread unseen
                view = LogView(job.id if job else 0, note=mishap(exc, shown.note))
            if view is not None and view != shown:
                shown = view
                self._deliver(view)
            with self._signal:
                if self._job is job and not self._stopping:
                    self._signal.wait(LOOK_EVERY if tail is not None else None)
        if tail is not None:
            tail.close()

    def _switch(self, tail: LogTail | None, job: JobRow | None) -> LogTail | None:
        """Go on with the same tail when it is still the same file, as when only the state of the job changed."""
        path = log_path(job) if job is not None else None
        if tail is not None and path == tail.path:
            tail.missing = _missing(job)
            return tail
        if tail is not None:
            tail.close()
        return LogTail(job.id, path, _missing(job)) if job is not None and path is not None else None

    def _look(self, tail: LogTail | None, job: JobRow | None) -> LogView | None:
        if tail is not None:
            return tail.read()
        return without_log(job) if job is not None else None


def _missing(job: JobRow | None) -> str:
    """What to say when the file is not there: of a finished job none will come."""
    return "there is no log any more" if job is not None and job.state.final else "no log yet"

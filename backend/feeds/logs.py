"""The thread that reads the log of the selected job, so that no read of a slow disk is felt at the keyboard."""

import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from jobwarden.backend.domain.states import JobState
from jobwarden.backend.feeds.updates import internal_error
from jobwarden.backend.files import readable
from jobwarden.backend.logs.reader import LogReader
from jobwarden.backend.logs.requests import LogSource, Request
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.process import spool
from jobwarden.backend.queries.models.jobs import JobRow

LOOK_EVERY = 0.05
"""Seconds between two looks at a log that may grow. A look is two stat calls; unlike inotify it sees every disk."""
LOOK_EVERY_FINAL = 1.0
"""The same for a job that is over; a process that escaped it may still write."""


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
    """Delivers a LogView whenever the followed log differs from what was delivered last, and serves its source."""

    def __init__(self, deliver: Callable[[LogView], None]) -> None:
        self._deliver = deliver
        self._lock = threading.Lock()
        self._job: JobRow | None = None
        self._asked: deque[tuple[int, Request]] = deque()
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="log-follower", daemon=True)
        # Below: only of the thread.
        self._serial = 0
        self._reader: LogReader | None = None
        self._shown = LogView()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopping = True
        self._wake()
        if self._thread.ident is not None:  # else it was never started
            self._thread.join(2)

    def follow(self, job: JobRow | None) -> None:
        """Follow this job's log instead of the one before, and deliver what it says now; None for none."""
        with self._lock:
            self._job = job
        self._wake()

    def _ask(self, serial: int, request: Request) -> None:
        """Take a request for the log of a LogView; one for a log that is not followed any more is forgotten."""
        with self._lock:
            self._asked.append((serial, request))
        self._wake()

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"x")
        except BlockingIOError:
            return  # full: it will wake

    def _run(self) -> None:
        job: JobRow | None = None
        while not self._stopping:
            with self._lock:
                wanted = self._job
            if wanted is not job:
                self._switch(job := wanted)
            try:
                view = self._look(job)
            except Exception as exc:  # an internal error must show on the screen, not end the thread unseen
                view = LogView(job.id if job else 0, note=internal_error(exc, self._shown.note))
            if view is not None and view != self._shown:
                self._shown = view
                self._deliver(view)
            self._wait(job)
        if self._reader is not None:
            self._reader.close()

    def _wait(self, job: JobRow | None) -> None:
        """Wait until there is something to do."""
        reader = self._reader
        timeout = None if reader is None else LOOK_EVERY_FINAL if job is not None and job.state.final else LOOK_EVERY
        files = [self._wake_read, *(reader.files() if reader is not None else ())]
        ready = readable(files, 0 if reader is not None and reader.busy else timeout)
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)

    def _switch(self, job: JobRow | None) -> None:
        """Go on with the same reader when it is still the same file, as when only the state of the job changed."""
        path = log_path(job) if job is not None else None
        if self._reader is not None and path == self._reader.path:
            self._reader.missing = _missing(job)
            return
        if self._reader is not None:
            self._reader.close()
        self._serial += 1
        serial, self._reader, self._shown = self._serial, None, LogView()
        if job is not None and path is not None:
            source = LogSource(job, lambda request: self._ask(serial, request))
            self._reader = LogReader(job.id, path, _missing(job), source)

    def _look(self, job: JobRow | None) -> LogView | None:
        if self._reader is None:
            return without_log(job) if job is not None else None
        self._serve(self._reader)
        return self._reader.step()

    def _serve(self, reader: LogReader) -> None:
        with self._lock:
            asked, self._asked = self._asked, deque()
        for serial, request in asked:
            if serial == self._serial:
                reader.handle(request)


def _missing(job: JobRow | None) -> str:
    """What to say when the file is not there: of a finished job none will come."""
    return "there is no log any more" if job is not None and job.state.final else "no log yet"

"""Waiting for a job: why it does not start yet, how it ended, and patience with a database that restarts."""

import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from jobwarden.backend.cli.say import say
from jobwarden.backend.database.driver import Connection, DatabaseError
from jobwarden.backend.database.engine import refused
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.embedded.servers import attach
from jobwarden.backend.errors import JobwardenError, LostSight
from jobwarden.backend.queries.job_detail import archived_in, pending_reason
from jobwarden.backend.queries.jobs import read_jobs
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.backend.queries.workers import read_workers
from jobwarden.backend.services.session import Session, explain

# For verbs that look at the database again and again: they ride out a restart of it, up to a stated patience.

T = TypeVar("T")


class Patience:
    """Looks through one session, whose database may be away for the setting ``patience_seconds``.

    Says on stderr, once each, that it does not answer and that it does again. ``subject`` is what is watched, and
    ``advice`` what to do about it when patience is at its end.
    """

    def __init__(self, session: Session, subject: str, advice: str) -> None:
        self._session, self._subject, self._advice = session, subject, advice
        self._away_since: float | None = None
        self._trusted_from = 0.0

    @property
    def settled(self) -> bool:
        """Whether heartbeats mean anything: no worker could renew its lease while the database was away."""
        return time.monotonic() >= self._trusted_from

    def look(self, read: Callable[[Connection], T]) -> T | None:
        """What ``read`` finds, or None when there was no answer: look again later.

        Raises LostSight once there was none for too long; what the database refuses is raised at once.
        """
        try:
            with self._session.reading() as conn:
                found = read(conn)
        except DatabaseError as exc:
            if refused(exc):
                raise
            self._no_answer(exc)
            return None
        if self._away_since is not None:
            self._away_since = None
            self._trusted_from = time.monotonic() + self._session.settings.lease_seconds
            self.say("the database answers again")
        return found

    def say(self, words: str) -> None:
        """A line about the subject on stderr."""
        say(f"jobwarden: {self._subject}: {words}", err=True)

    def _no_answer(self, exc: DatabaseError) -> None:
        settings, now = self._session.settings, time.monotonic()
        if self._away_since is None:
            self._away_since = now
            if settings.patience_seconds > 0:
                self.say(f"the database does not answer: waiting up to {settings.patience_seconds:g} s for it")
        if now - self._away_since >= settings.patience_seconds:
            why = explain(exc, self._session.engine, settings)
            raise LostSight(
                f"lost sight of {self._subject}: the database did not answer for {settings.patience_seconds:g} s"
                f" ({why or type(exc).__name__}): {self._advice}"
            ) from exc
        if settings.database_url is None:
            with suppress(JobwardenError):  # taken down, or for the worker to start: the next look will tell
                attach(settings)


FIRST_WORD_SECONDS = 1.0
"""A job that starts sooner is not worth a word."""
COUNT_SECONDS = 10.0
"""Between two lines that differ only in the number of jobs ahead."""
_COUNT = re.compile(r", [\d,]+ jobs? ahead$")


class WaitReport:
    """Says on stderr why one job does not start, a line whenever that changes, and when it has started."""

    def __init__(self, patience: Patience) -> None:
        self._say = patience.say
        self._told: str | None = None
        self._first = time.monotonic() + FIRST_WORD_SECONDS
        self._recount = 0.0

    def look(self, conn: Connection, job_id: int) -> JobRow:
        """The job as it is in this transaction, after a word on it. Raises LostSight when it is there no more."""
        rows = read_jobs(conn, [job_id])
        if not rows:
            raise _gone(conn, job_id)
        self._tell(conn, rows[0])
        return rows[0]

    def _tell(self, conn: Connection, job: JobRow) -> None:
        if job.state is not JobState.PENDING:
            if self._told is not None and job.state is JobState.RUNNING:
                self._say(f"started on node {job.node_name}")
            self._told = None
        elif time.monotonic() >= self._first:
            self._tell_why(pending_reason(conn, job, read_workers(conn)) or "")

    def _tell_why(self, reason: str) -> None:
        same = self._told is not None and _COUNT.sub("", reason) == _COUNT.sub("", self._told)
        if reason == self._told or (same and time.monotonic() < self._recount):
            return
        self._told, self._recount = reason, time.monotonic() + COUNT_SECONDS
        self._say(reason)


def wait_for(session: Session, job_id: int) -> int:
    """Wait for the job's end; its exit status as a shell would report it.

    Raises LostSight when how it ended cannot be learnt: that code is never mistaken for the job's own 1 or 2.
    """
    sys.stdout.flush()
    patience = Patience(session, f"job {job_id}", f"the job keeps running, see `jobwarden show {job_id}`")
    try:
        job = _ended(session, patience, job_id)
    except KeyboardInterrupt:
        patience.say(f"goes on: `jobwarden show {job_id}` looks at it, `jobwarden cancel {job_id}` ends it")
        raise
    except DatabaseError as exc:
        if (why := explain(exc, session.engine, session.settings)) is None:
            raise
        raise LostSight(f"lost sight of job {job_id}: {why}") from exc
    if job.exit_code is None and job.exit_signal is None and job.state is not JobState.COMPLETED:
        patience.say(f"{job.state} without an exit code: see `jobwarden show {job_id}`")
    return exit_status(job)


def _ended(session: Session, patience: Patience, job_id: int) -> JobRow:
    waiting = WaitReport(patience)
    pause = 0.05
    while True:
        job = patience.look(lambda conn: waiting.look(conn, job_id))
        if job is not None and job.state.final:
            return job
        time.sleep(pause)
        pause = min(pause * 1.2, session.settings.poll_seconds)


def _gone(conn: Connection, job_id: int) -> JobwardenError:
    """The error for a job that was there a moment ago."""
    archive = archived_in(conn, job_id)
    went = f"archived to {archive}" if archive else "removed from the database"
    return LostSight(f"lost sight of job {job_id}: it was {went} while this waited, so how it ended is not known here")


def exit_status(job: JobRow) -> int:
    """The job's end as a shell would report it; 1 when it failed without a code."""
    if job.exit_signal is not None:
        return 128 + job.exit_signal
    if job.exit_code is not None:
        # A script that ends 0 after it was cancelled or timed out has not done what it was asked.
        return job.exit_code or (0 if job.state is JobState.COMPLETED else 1)
    return 0 if job.state is JobState.COMPLETED else 1

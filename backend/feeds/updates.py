"""What the feeds have in common: their news, how often and through what they ask, and how their errors are shown."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from psycopg2 import errors as pg_errors

from jobwarden.backend.database.driver import Connection, DatabaseError, Engine, text
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.job_window import JobWindow
from jobwarden.backend.queries.models.jobs import DetailView
from jobwarden.backend.queries.models.pages import EventsPage, JobMatches, QueueView, Words
from jobwarden.backend.queries.models.processes import EvidenceView
from jobwarden.backend.queries.models.snapshot import Snapshot

Clock = Callable[[], float]


class Throttle:
    """Says when something is due: every ``interval`` seconds, or ``share`` times its last cost when that is longer."""

    def __init__(self, interval: float, share: float = 0.0, clock: Clock = time.monotonic) -> None:
        self.interval = interval
        self._share = share
        self._clock = clock
        self._due = clock()

    @property
    def due(self) -> bool:
        """Whether it is time again."""
        return self._clock() >= self._due

    @property
    def wait(self) -> float:
        """Seconds until it is due, 0 when it is."""
        return max(0.0, self._due - self._clock())

    def now(self) -> None:
        """Make it due at once."""
        self._due = self._clock()

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Run the question and set the next time by what it cost, also when it failed."""
        began = self._clock()
        try:
            yield
        finally:
            ended = self._clock()
            self._due = ended + max(self.interval, self._share * (ended - began))


class ReadingConnection:
    """The connection of a thread that reads; any other thread may cancel what it asks just now.

    ``statement_timeout`` is what PostgreSQL may take for one question, in its own words (``5s``).
    """

    def __init__(self, statement_timeout: str | None = None) -> None:
        self._timeout = statement_timeout
        self._connection: Connection | None = None

    def leads_to(self, engine: Engine) -> bool:
        """Whether it is open, and to where this engine goes."""
        return self._connection is not None and self._connection.engine is engine

    def to(self, engine: Engine) -> Connection:
        """The connection, made anew when it led elsewhere."""
        if self._connection is None or self._connection.engine is not engine:
            self.hang_up()
            self._connection = engine.connect().autocommit()
            if self._timeout is not None:
                self._connection.execute(text(f"SET statement_timeout = '{self._timeout}'"))
        return self._connection

    def cancel(self) -> None:
        """Stop the query that runs, if one does. From a thread: a server that hangs must not hang the caller."""
        conn = self._connection
        if conn is not None:
            threading.Thread(target=conn.raw.cancel, name="cancel-query", daemon=True).start()

    def hang_up(self) -> None:
        """Close it; what was asked is of no use any more."""
        conn, self._connection = self._connection, None
        if conn is not None:
            conn.invalidate()


def was_cancelled(exc: DatabaseError) -> bool:
    """Whether a question was given up, by us or for the time it took."""
    return isinstance(exc.orig, pg_errors.QueryCanceled)


def lost_link(exc: DatabaseError) -> bool:
    """Whether the way to the database is what failed."""
    return exc.lost or isinstance(exc.orig, pg_errors.OperationalError)


# Mistakes of ours in a reading thread: shown on the screen in a line, kept with their traceback in a log.

_log = logging.getLogger(__name__)


def internal_error(exc: Exception, shown: str) -> str:
    """Return the line to show for an unexpected error, and log it unless ``shown``, the line shown now, is the same.

    A thread tries again for as long as it runs: one traceback tells as much as thousands.
    """
    what = f"{type(exc).__name__}: {exc}".splitlines()[0][:200]
    line = f"internal error: {what} (details in log/dashboard.log)"
    if line != shown:
        _log.error(line, exc_info=exc)
    return line


# What the read model delivers to a screen: one record for each kind of news, always the whole of it.

News = Snapshot | JobWindow | Words | DetailView | LogView | QueueView | EventsPage | EvidenceView | JobMatches

"""The thread that reads job lists for the screen: the window that is looked at and the job that is open.

Apart from the collector's thread because a slow filter over a million jobs must not delay the news that a worker died.
Requests never wait: the newest one wins, and a query that nobody waits for any more is cancelled.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jobwarden.backend.database.driver import Connection, DatabaseError, Engine
from jobwarden.backend.database.engine import ReadingConnection, first_line, lost_link, was_cancelled
from jobwarden.backend.domain.pending_reason import NodeFacts
from jobwarden.backend.feeds.updates import Throttle, internal_error
from jobwarden.backend.queries import job_window as windows
from jobwarden.backend.queries.job_detail import read_detail, why_waiting
from jobwarden.backend.queries.job_window import Holding
from jobwarden.backend.queries.jobs import count, horizon, read_words
from jobwarden.backend.queries.models.job_window import EVERY_JOB, Hold, JobWindow, Query, with_total
from jobwarden.backend.queries.models.jobs import DetailView, WorkerRow
from jobwarden.backend.queries.models.pages import Words
from jobwarden.backend.queries.workers import read_nodes

__all__ = ["DetailView", "JobFeed"]

CHANGES_APART = 0.25
"""Seconds between two deltas at least."""
REREAD_EVERY = 5.0
"""Seconds between two readings of the whole stretch, for what changes without an update (ages, deletions)."""


DeliverJobs = Callable[[JobWindow | DetailView | Words], None]


@dataclass(frozen=True, slots=True)
class _Wanted:
    query: Query = EVERY_JOB
    first: int = 0
    last: int = 0
    job_id: int | None = None
    hold: Hold = Hold.NONE
    words: bool = False


class JobFeed:
    """Delivers a Window whenever it differs from the last one, and a DetailView of the job asked for."""

    def __init__(self, deliver: DeliverJobs) -> None:
        self._deliver = deliver
        self._signal = threading.Condition()
        self._wanted = _Wanted()
        self._engine: Engine | None = None
        self._stopping = False
        self._changed = False
        self._asked = True
        self._workers: Sequence[WorkerRow] = ()
        self._link = ReadingConnection()
        self._thread = threading.Thread(target=self._run, name="job-feed", daemon=True)
        self._window = JobWindow()
        self._detail: DetailView | None = None
        self._since = 0
        self._delta = Throttle(CHANGES_APART)
        self._reread = Throttle(REREAD_EVERY, share=20)
        self._count = Throttle(1.0, share=50)
        self._holding = Holding()
        self._facts: Sequence[NodeFacts] = ()
        self._look_at_nodes = Throttle(1.0)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; a running query is cancelled."""
        with self._signal:
            self._stopping = True
            self._link.cancel()
            self._signal.notify()
        if self._thread.ident is not None:  # else it was never started
            self._thread.join(5)

    def use(self, engine: Engine | None, workers: Sequence[WorkerRow] = ()) -> None:
        """Read through this engine from now on, None while the database is away; ``workers`` are those of now."""
        with self._signal:
            self._engine, self._workers = engine, workers
            self._look_at_nodes.now()
            self._asked = True
            self._signal.notify()

    def show(self, query: Query) -> None:
        """Show the jobs that match another filter, from the newest."""
        with self._signal:
            self._wanted = replace(self._wanted, query=query, first=0, last=0)
            self._link.cancel()
            self._ask()

    def look(self, first: int, last: int) -> None:
        """Say which lines are on the screen."""
        with self._signal:
            self._wanted = replace(self._wanted, first=first, last=last)
            self._ask()

    def hold(self, hold: Hold) -> None:
        """Hold back changes of the list, or let them come; what was held back is shown when nothing is any more."""
        with self._signal:
            self._wanted = replace(self._wanted, hold=hold)
            self._ask()

    def words(self) -> None:
        """Deliver the words that a filter may name, once."""
        with self._signal:
            self._wanted = replace(self._wanted, words=True)
            self._ask()

    def watch(self, job_id: int | None) -> None:
        """Keep the detail of one job up to date; None for none."""
        with self._signal:
            self._wanted = replace(self._wanted, job_id=job_id)
            self._detail = None
            self._ask()

    def changed(self, workers: Sequence[WorkerRow]) -> None:
        """Take the news that something may have changed in the database."""
        with self._signal:
            self._changed = True
            self._workers = workers
            self._signal.notify()

    def _ask(self) -> None:
        self._asked = True
        self._signal.notify()

    def _run(self) -> None:
        while (wanted := self._next()) is not None:
            try:
                self._serve(wanted)
            except DatabaseError as exc:
                self._failed(exc)
            except Exception as exc:  # an internal error must show on the screen, not end the thread unseen
                self._complain(internal_error(exc, self._window.error))
        self._link.hang_up()

    def _next(self) -> _Wanted | None:
        """Wait until there is something to do and a database to ask; None to stop."""
        with self._signal:
            while not self._stopping:
                if self._engine is not None and (self._asked or (self._changed and self._delta.due)):
                    self._asked = False
                    wanted, self._wanted = self._wanted, replace(self._wanted, words=False)
                    return wanted
                pause = self._delta.wait if self._changed else self._reread.wait
                self._signal.wait(max(0.01, pause) if self._engine is not None else None)
                if self._reread.due and self._wanted.hold is Hold.NONE:
                    self._asked = True
        return None

    def _serve(self, wanted: _Wanted) -> None:
        conn = self._connect()
        window = self._window
        if not window.loaded or window.error or wanted.query != window.query:
            self._since = horizon(conn)
            window = windows.open_top(conn, wanted.query)
            self._holding.forget()
            self._count.now()
        window = self._holding.release(conn, window, wanted.hold)
        if self._changed and self._delta.due:
            window = self._take_changes(conn, window, wanted.hold)
        if wanted.last > wanted.first:
            window = windows.look(conn, window, wanted.first, wanted.last)
        self._publish(self._with_reasons(conn, window))
        self._publish(self._housekeeping(conn, self._window, wanted.hold))
        self._open_job(conn, wanted.job_id)
        if wanted.words:
            self._deliver(read_words(conn))

    def _connect(self) -> Connection:
        engine = self._engine
        assert engine is not None
        if not self._link.leads_to(engine):
            self._changed = True
            self._reread.now()
        return self._link.to(engine)

    def _with_reasons(self, conn: Connection, window: JobWindow) -> JobWindow:
        """Say of the PENDING jobs why they wait; the nodes are read at most once a second."""
        if self._look_at_nodes.due:
            with self._look_at_nodes.measured():
                self._facts = read_nodes(conn, self._workers)
        return why_waiting(window, self._facts)

    def _take_changes(self, conn: Connection, window: JobWindow, hold: Hold) -> JobWindow:
        """Read the delta; the point to go on from is taken before it, so that nothing falls between two deltas."""
        self._changed = False
        with self._delta.measured():
            upcoming = horizon(conn)
            if hold is Hold.NONE:
                window = windows.refresh(conn, window, self._since)
            else:
                window = self._holding.take(conn, window, self._since, hold)
        self._since = upcoming
        return window

    def _housekeeping(self, conn: Connection, window: JobWindow, hold: Hold) -> JobWindow:
        """Do what is due but not urgent: the stretch once more, and the count of all that match."""
        if self._reread.due and hold is Hold.NONE:
            with self._reread.measured():
                window = self._with_reasons(conn, windows.reread(conn, window))
        if self._count.due and not (window.at_top and window.at_bottom):
            with self._count.measured():
                window = with_total(window, count(conn, window.query))
        return window

    def _publish(self, window: JobWindow) -> None:
        if window != self._window:
            self._window = window
            self._deliver(window)

    def _open_job(self, conn: Connection, job_id: int | None) -> None:
        if job_id is None:
            return
        view = DetailView(job_id, read_detail(conn, job_id, self._workers))
        if view != self._detail:
            self._detail = view
            self._deliver(view)

    def _failed(self, exc: DatabaseError) -> None:
        """Go on after a cancelled query, show what is wrong with a bad one, wait for an engine after a lost link."""
        self._changed = True
        if was_cancelled(exc):
            return
        self._link.hang_up()
        if lost_link(exc):
            with self._signal:
                self._engine = None
            return
        self._complain(first_line(exc))

    def _complain(self, message: str) -> None:
        """Show it instead of the list, which is read anew with the next change or reading, not at once."""
        self._changed = False
        with self._reread.measured():
            pass
        self._publish(JobWindow(query=self._wanted.query, loaded=True, error=message))

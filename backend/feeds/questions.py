"""The thread that answers what single screens want besides the snapshot: the queue, the audit, processes of a job.

Apart from the collector's thread and the job feed's, so that a slow search through the audit delays neither. It reads
only what the screen on top asks for.
"""

import threading
from collections.abc import Callable, Sequence

import redis

from jobwarden.backend.actions.preview import EvidenceView, read_evidence
from jobwarden.backend.anomalies.detect import matching
from jobwarden.backend.anomalies.process_tree import ProcessReader
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, DatabaseError, Engine
from jobwarden.backend.database.engine import ReadingConnection, lost_link, was_cancelled
from jobwarden.backend.errors import InputError
from jobwarden.backend.feeds.updates import Throttle, internal_error
from jobwarden.backend.queries.events import read_events_page
from jobwarden.backend.queries.models.jobs import WorkerRow
from jobwarden.backend.queries.models.pages import (
    EventsPage,
    EventsWanted,
    EvidenceWanted,
    JobMatches,
    MatchesWanted,
    QueueWanted,
    Wanted,
)
from jobwarden.backend.queries.queue import QueueView, read_queue

CHANGES_APART = 0.25
"""Seconds between two readings at least when something changed."""
REREAD_EVERY = 1.0
"""Seconds between two readings when nothing seems to happen: CPU, memory and Redis change without a notice."""
LONGEST_QUERY = "5s"
"""What PostgreSQL may take for one question before it gives up: a rare word in an audit of years."""

SEARCHES = (QueueWanted, EventsWanted)
"""Questions that may take long, and are given up when nobody asks them any more."""

QuestionAnswer = QueueView | EventsPage | EvidenceView | JobMatches
DeliverAnswer = Callable[[QuestionAnswer], None]


class QuestionFeed:
    """Delivers an answer whenever it differs from the last one to the same question."""

    def __init__(self, settings: Settings, deliver: DeliverAnswer) -> None:
        self._settings = settings
        self._deliver = deliver
        self._signal = threading.Condition()
        self._wanted: tuple[Wanted, ...] = ()
        self._answers: dict[Wanted, QuestionAnswer] = {}
        self._engine: Engine | None = None
        self._redis: redis.Redis | None = None
        self._link = ReadingConnection(LONGEST_QUERY)
        self._searching: Wanted | None = None
        self._workers: Sequence[WorkerRow] = ()
        self._asked = self._changed = self._stopping = False
        self._processes = ProcessReader()
        self._pace = Throttle(CHANGES_APART, share=4)
        self._reread = Throttle(REREAD_EVERY, share=10)
        self._complaint = ""
        self._thread = threading.Thread(target=self._run, name="questions", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread once its question is answered; a search is given up."""
        with self._signal:
            self._stopping = True
            self._cancel()
            self._signal.notify()
        if self._thread.ident is not None:  # else it was never started
            self._thread.join(5)

    def use(self, engine: Engine | None, client: redis.Redis | None = None, workers: Sequence[WorkerRow] = ()) -> None:
        """Read through these from now on, None while the database is away; ``workers`` are those of now."""
        with self._signal:
            self._engine, self._redis, self._workers = engine, client, workers
            self._asked = True
            self._signal.notify()

    def want(self, wanted: Sequence[Wanted]) -> None:
        """Answer these questions from now on, and no others; each is answered anew."""
        with self._signal:
            self._wanted = tuple(wanted)
            if self._searching is not None and self._searching not in self._wanted:
                self._cancel()
            self._answers = {}
            self._asked = True
            self._signal.notify()

    def changed(self, workers: Sequence[WorkerRow]) -> None:
        """Take the news that something may have changed in the database."""
        with self._signal:
            self._workers = workers
            self._changed = True
            self._signal.notify()

    def _cancel(self) -> None:
        """Stop a search that runs, if one does."""
        if self._searching is not None:
            self._link.cancel()

    def _run(self) -> None:
        while (turn := self._next()) is not None:
            engine, wanted = turn
            try:
                with self._pace.measured(), self._reread.measured():
                    for question in wanted:
                        self._answer(engine, question)
                self._complaint = ""
            except DatabaseError as exc:
                self._failed(exc)
            except Exception as exc:  # an internal error must be in the log, not end the thread unseen
                self._complaint = internal_error(exc, self._complaint)
        self._link.hang_up()

    def _next(self) -> tuple[Engine, tuple[Wanted, ...]] | None:
        """Wait until a question is to be answered; None to stop."""
        with self._signal:
            while not self._stopping:
                engine, ready = self._engine, self._engine is not None and bool(self._wanted)
                if engine and self._wanted and (self._asked or self._reread.due or (self._changed and self._pace.due)):
                    self._asked = self._changed = False
                    return engine, self._wanted
                pause = self._pace.wait if self._changed else self._reread.wait
                self._signal.wait(max(0.01, pause) if ready else None)
        return None

    def _answer(self, engine: Engine, question: Wanted) -> None:
        conn = self._link.to(engine)
        self._searching = question if isinstance(question, SEARCHES) else None
        try:
            answer = self._read(conn, question)
        finally:
            self._searching = None
        with self._signal:
            if question not in self._wanted or self._answers.get(question) == answer:
                return
            self._answers[question] = answer
        self._deliver(answer)

    def _read(self, conn: Connection, question: Wanted) -> QuestionAnswer:
        match question:
            case QueueWanted():
                return self._read_queue(conn, question)
            case MatchesWanted():
                return JobMatches(question, matching(conn, question.filter, question.anomalies))
            case EvidenceWanted():
                return read_evidence(conn, self._settings, question.job_id, self._workers, self._processes)
            case EventsWanted():
                return self._read_events(conn, question)

    def _read_queue(self, conn: Connection, question: QueueWanted) -> QueueView:
        try:
            return read_queue(conn, self._workers, self._redis or redis.Redis(), question)
        except DatabaseError as exc:
            return QueueView(error=_too_long(exc, "state:held"), wanted=question)

    def _read_events(self, conn: Connection, question: EventsWanted) -> EventsPage:
        try:
            return read_events_page(conn, question)
        except InputError as exc:
            return EventsPage(question, error=str(exc))
        except DatabaseError as exc:
            return EventsPage(question, error=_too_long(exc, "job:12"))

    def _failed(self, exc: DatabaseError) -> None:
        """Go on after a question that was given up; wait for an engine after a lost link; log anything else."""
        if was_cancelled(exc):
            return
        self._link.hang_up()
        if lost_link(exc):
            with self._signal:
                self._engine = None
        else:
            self._complaint = internal_error(exc, self._complaint)


def _too_long(exc: DatabaseError, example: str) -> str:
    """What to say of a question that was given up; raises what is anything else."""
    if not was_cancelled(exc):
        raise exc
    return f"took longer than {LONGEST_QUERY}: narrow it, for example with {example}"

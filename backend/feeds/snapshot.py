"""The one place that asks the database how the system is, for every screen that shows it.

A thread takes a pulse four times a second (which workers live), is woken by NOTIFY, polls once a second in case a
notification was lost, and delivers at most four snapshots a second. When the connection is lost it keeps trying and
says so; the last data stay in the snapshot, marked as stale by its link.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import redis

from jobwarden.backend.anomalies import detect
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, DatabaseError, Engine
from jobwarden.backend.database.engine import (
    Listener,
    check_schema,
    first_line,
    listening,
    lost_link,
    make_engine,
    unavailable,
)
from jobwarden.backend.embedded import servers
from jobwarden.backend.errors import JobwardenError
from jobwarden.backend.feeds.jobs import JobFeed
from jobwarden.backend.feeds.logs import LogFollower
from jobwarden.backend.feeds.questions import QuestionFeed
from jobwarden.backend.feeds.updates import News, Throttle, internal_error
from jobwarden.backend.monitoring.alerts.without_worker import alerts_now
from jobwarden.backend.queries.jobs import compile_filter, count_held, read_counts
from jobwarden.backend.queries.models.job_window import Hold
from jobwarden.backend.queries.models.jobs import JobRow, WorkerRow
from jobwarden.backend.queries.models.pages import Wanted
from jobwarden.backend.queries.models.snapshot import Health, Link, Snapshot
from jobwarden.backend.queries.models.sort import NEWEST, Order, as_of
from jobwarden.backend.queries.rates import RateBook
from jobwarden.backend.queries.statements import read_all
from jobwarden.backend.queries.workers import read_capacity, read_workers

PULSE = 0.25
"""Seconds between two looks at the workers; also the least time between two snapshots."""
POLL = 1.0
"""Seconds between two snapshots when nothing seems to happen."""
RETRY = (0.2, 1.0, 2.0, 5.0)
"""Seconds to wait before the first, second ... attempt to connect again; the last one repeats."""
REDIS_TIMEOUT = 0.3
"""Seconds that Redis has to answer a ping."""

DeliverNews = Callable[[News], None]


class SnapshotFeed:
    """Reads for one screen. ``deliver`` is called from its threads and must only pass on what it gets."""

    def __init__(self, settings: Settings, deliver: DeliverNews, poll: float = POLL) -> None:
        self._settings = settings
        self._deliver = deliver
        self._snapshot = Snapshot()
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
        self._feed = JobFeed(deliver)
        self._questions = QuestionFeed(settings, deliver)
        self._logs = LogFollower(deliver)
        self._failures = 0
        self._poll = Throttle(poll)
        self._counts = Throttle(0.0, share=20)
        self._anomalies = Throttle(0.5, share=25)
        self._ping = Throttle(POLL)
        self._rates = Throttle(2.0, share=50)
        self._owed: set[Throttle] = set()
        """What has not been read since the last notice because it was too early to."""
        self._rate_book = RateBook()

    def start(self) -> None:
        """Start reading."""
        with suppress(OSError):  # the program is gone already: the first question says so
            read_all()
        self._feed.start()
        self._questions.start()
        self._logs.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop all threads; returns within seconds even when a server hangs."""
        self._stopping.set()
        os.write(self._wake_write, b"x")
        self._logs.stop()
        self._feed.stop()
        self._questions.stop()
        if self._thread.ident is not None:  # else it was never started
            self._thread.join(5)
        os.close(self._wake_read)
        os.close(self._wake_write)

    def show(self, filter_text: str, order: Order = NEWEST) -> None:
        """List the jobs that match a filter, in an order. Raises InputError that points at what is wrong with it."""
        self._feed.show(compile_filter(filter_text, as_of(order, datetime.now(UTC))))

    def hold(self, hold: Hold) -> None:
        """Hold back changes of the list, or let them come."""
        self._feed.hold(hold)

    def words(self) -> None:
        """Deliver the Words that a filter may name, once."""
        self._feed.words()

    def look(self, first: int, last: int) -> None:
        """Say which lines of the list are on the screen."""
        self._feed.look(first, last)

    def watch(self, job_id: int | None) -> None:
        """Deliver the detail of a job now and whenever it changes; None to stop."""
        self._feed.watch(job_id)

    def follow(self, job: JobRow | None) -> None:
        """Deliver the end of a job's log now and as it grows; None to stop."""
        self._logs.follow(job)

    def want(self, wanted: Sequence[Wanted]) -> None:
        """Deliver the answers to these questions, now and whenever they change; nothing for none."""
        self._questions.want(wanted)

    def _run(self) -> None:
        while not self._stopping.is_set():
            engine: Engine | None = None
            try:
                engine = self._connect()
                with listening(engine) as listener, engine.connect() as conn:
                    self._session(engine, listener, conn.autocommit())
            except (DatabaseError, JobwardenError, OSError) as exc:
                self._lost(_reason(exc, engine, embedded=self._settings.database_url is None))
            except Exception as exc:  # an internal error must show on the screen, not end the thread unseen
                self._lost(internal_error(exc, self._snapshot.database.message))
            finally:
                self._feed.use(None)
                self._questions.use(None)
                if engine is not None:
                    engine.dispose()

    def _connect(self) -> Engine:
        """Make sure of the servers (an embedded one that was killed comes back here) and of the schema."""
        urls = servers.attach(self._settings)
        self._redis = redis.Redis.from_url(
            urls.redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
        )
        engine = make_engine(urls.database_url, read_only=True, application_name="jobwarden screen")
        check_schema(engine)
        return engine

    def _session(self, engine: Engine, listener: Listener, conn: Connection) -> None:
        """Collect over one connection until it breaks or the end."""
        workers = tuple(read_workers(conn))  # before anything is listed: unknown workers would be taken for dead
        self._feed.use(engine, workers)
        self._questions.use(engine, self._redis, workers)
        for pace in (self._poll, self._counts, self._anomalies, self._ping, self._rates):
            pace.now()
        pulse = Throttle(PULSE)
        while not self._stopping.is_set():
            news = listener.wait(pulse.wait, self._wake_read)
            self._drain_wakes()
            if news:
                self._poll.now()
                self._owed = {self._counts, self._anomalies}
            if pulse.due:
                with pulse.measured():
                    self._beat(conn)

    def _beat(self, conn: Connection) -> None:
        """Look at the workers; read the rest when something changed or it is time."""
        workers = tuple(read_workers(conn))
        if _states(workers) != _states(self._snapshot.workers):
            self._anomalies.now()
            self._poll.now()
        if not self._poll.due and not any(pace.due for pace in self._owed):
            return
        self._owed = {pace for pace in self._owed if not pace.due}
        with self._poll.measured():
            self._collect(conn, workers)
        self._feed.changed(workers)
        self._questions.changed(workers)

    def _collect(self, conn: Connection, workers: tuple[WorkerRow, ...]) -> None:
        began = time.monotonic()
        snapshot = replace(self._snapshot, workers=workers, capacity=read_capacity(conn, workers))
        answered = time.monotonic() - began
        snapshot = replace(snapshot, alerts=tuple(alerts_now(conn, self._settings, workers)))
        if self._counts.due:
            with self._counts.measured():
                snapshot = replace(snapshot, counts=read_counts(conn), held=count_held(conn))
        if self._anomalies.due:
            with self._anomalies.measured():
                snapshot = replace(snapshot, anomalies=tuple(detect.find(conn, self._settings)))
        if self._rates.due:
            with self._rates.measured():
                snapshot = replace(snapshot, rates=self._rate_book.read(conn))
        self._failures = 0
        self._publish(
            replace(
                snapshot,
                link=Link.LIVE,
                database=Health(True, answered * 1000),
                redis=self._redis_health(),
                taken_at=datetime.now(UTC),
            )
        )

    def _redis_health(self) -> Health:
        if not self._ping.due:
            return self._snapshot.redis
        with self._ping.measured():
            began = time.monotonic()
            try:
                self._redis.ping()
            except (redis.RedisError, OSError) as exc:
                return Health(False, message=str(exc).partition("\n")[0])
            return Health(True, (time.monotonic() - began) * 1000)

    def _lost(self, message: str) -> None:
        pause = RETRY[min(self._failures, len(RETRY) - 1)]
        self._failures += 1
        self._publish(
            replace(
                self._snapshot,
                link=Link.LOST,
                database=Health(False, message=message),
                retry_at=time.monotonic() + pause,
            )
        )
        self._stopping.wait(pause)

    def _publish(self, snapshot: Snapshot) -> None:
        self._snapshot = replace(snapshot, number=self._snapshot.number + 1)
        self._deliver(self._snapshot)

    def _drain_wakes(self) -> None:
        try:
            while os.read(self._wake_read, 1024):
                pass
        except BlockingIOError:
            return


def _states(workers: tuple[WorkerRow, ...]) -> list[tuple[int, str]]:
    return [(worker.id, worker.state) for worker in workers]


def _reason(exc: Exception, engine: Engine | None, *, embedded: bool) -> str:
    if isinstance(exc, DatabaseError) and lost_link(exc) and engine is not None:
        return str(unavailable(exc, engine, embedded=embedded))
    return first_line(exc)

"""The threads that answer the node's bell and ring those of others, through every loss of Redis."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from redis.exceptions import RedisError

from jobwarden.backend.queue import doorbell
from jobwarden.backend.queue.redis_errors import Outage

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 10.0
"""Between two attempts; each waits twice as long as the one before, until Redis does what is asked of it."""


class LaunchListener(threading.Thread):
    """Runs RQ's worker loop, and a new one whenever it ends. ``mend`` is called when Redis fails, ``outage`` says so.

    A daemon thread that nobody joins: RQ looks up from its blocking read only every few seconds, and a message it
    takes after the launcher has stopped is launched by nobody and found by the next recovery.
    """

    def __init__(
        self,
        redis_url: str,
        node_name: str,
        worker_id: int,
        launch: Callable[[Sequence[int]], None],
        mend: Callable[[], None],
        outage: Outage,
    ) -> None:
        super().__init__(name="doorbell", daemon=True)
        self._redis_url, self._node_name, self._worker_id = redis_url, node_name, worker_id
        self._launch, self._mend, self._outage = launch, mend, outage
        self._pause = RETRY_SECONDS
        self._stop_event = threading.Event()
        self._rq: doorbell.BellWorker | None = None

    def stop(self) -> None:
        """Answer no more."""
        self._stop_event.set()
        if self._rq is not None:
            self._rq.stop()

    def run(self) -> None:
        """Answer until stopped; the name of each RQ worker is new, because a lost Redis may remember the last one."""
        times = 0
        while not self._stop_event.is_set():
            times += 1
            trouble: RedisError | OSError | None = None
            try:
                trouble = self._answer(f"{self._worker_id}.{times}")
            except (RedisError, OSError) as exc:
                trouble = exc
            except Exception:  # RQ stumbled over something in Redis: what it was about is found by the sweep
                log.critical("internal error in answering the bell: the worker goes on", exc_info=True)
            if trouble is not None and not self._stop_event.is_set():
                self._outage.failed(trouble)
                self._mend()
            self._stop_event.wait(self._pause)
            self._pause = min(LONGEST_RETRY_SECONDS, 2 * self._pause)

    def _answer(self, identity: str) -> RedisError | None:
        """Answer until the loop ends; what was wrong with Redis, if that was why."""
        self._rq = doorbell.answer(self._redis_url, self._node_name, identity, self._launch)
        self._rq.answered = self._well
        self._rq.work(logging_level="WARNING")
        return self._rq.trouble

    def _well(self) -> None:
        if self._outage.answered():
            self._pause = RETRY_SECONDS


class BellRinger(threading.Thread):
    """Rings other nodes, so that nobody who schedules waits for Redis; what it cannot ring is dropped.

    A ring is a reminder: the node was notified at the commit, and its sweep finds what neither told it.
    """

    def __init__(self, redis_url: str, outage: Outage) -> None:
        super().__init__(name="ringer", daemon=True)
        self._redis, self._outage = doorbell.connect(redis_url), outage
        self._news = threading.Condition()
        self._waiting: dict[str, list[int]] = {}
        self._stopped = False
        self._deaf_until = 0.0

    def put(self, node_name: str, allocation_ids: Sequence[int]) -> None:
        """Ring the node soon; never blocks."""
        with self._news:
            if time.monotonic() >= self._deaf_until:
                self._waiting.setdefault(node_name, []).extend(allocation_ids)
                self._news.notify()

    def stop(self) -> None:
        """Ring no more; what Redis is asked at this moment is not waited for."""
        with self._news:
            self._stopped = True
            self._news.notify()

    def run(self) -> None:
        """Ring until stopped. After a failure Redis is left alone for a while: it may not even say no."""
        while not self._stopped:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._stopped)
                waiting, self._waiting = self._waiting, {}
            try:
                for node_name, allocation_ids in waiting.items():
                    doorbell.ring(self._redis, node_name, allocation_ids)
            except (RedisError, OSError) as exc:
                self._deaf_until = time.monotonic() + RETRY_SECONDS
                self._outage.failed(exc)

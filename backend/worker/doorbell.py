"""The thread that answers the node's bell, through every loss of Redis."""

import logging
import threading
from collections.abc import Callable, Sequence

from redis.exceptions import RedisError

from backend.queue import bell

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Doorbell(threading.Thread):
    """Runs RQ's worker loop, and a new one whenever it ends. ``mend`` is called when Redis cannot be reached.

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
    ) -> None:
        super().__init__(name="doorbell", daemon=True)
        self._redis_url, self._node_name, self._worker_id = redis_url, node_name, worker_id
        self._launch, self._mend = launch, mend
        self._stop_event = threading.Event()
        self._rq: bell.BellWorker | None = None

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
            try:
                self._rq = bell.answer(self._redis_url, self._node_name, f"{self._worker_id}.{times}", self._launch)
                self._rq.work(logging_level="WARNING")
            except (RedisError, OSError) as exc:
                log.warning("Redis cannot be reached, jobs start by the sweep meanwhile: %s", exc)
                self._mend()
            except Exception:  # RQ stumbled over something in Redis: what it was about is found by the sweep
                log.critical("unforeseen error in answering the bell: the worker goes on", exc_info=True)
            self._stop_event.wait(RETRY_SECONDS)

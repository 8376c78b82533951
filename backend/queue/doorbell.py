"""Ring a node, and answer the bell.

A message carries allocation ids and nothing else. Losing one delays a launch until the worker's sweep, a second
one is harmless because an allocation is claimed once; so RQ's retries, results and registries are switched off.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.exceptions import InvalidJobOperation, NoSuchJobError, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty

from jobwarden.backend.queue.message import LAUNCH, LaunchMessage

MESSAGE_TTL_SECONDS = 600
DEQUEUE_SECONDS = 15
"""RQ blocks this much less than a worker's ttl; it bounds how long a stopping worker's thread lingers."""

log = logging.getLogger(__name__)

_dropped: Counter[str] = Counter()
_receivers: list[Callable[[Sequence[int]], None]] = []


def queue_name(node_name: str) -> str:
    """The RQ queue of a node."""
    return f"jobwarden:{node_name}"


def connect(url: str, timeout: float = 2.0) -> Redis:
    """A client for ``url`` that gives up on a dead server after ``timeout`` seconds (nothing connects yet)."""
    return Redis.from_url(
        url, socket_connect_timeout=timeout, socket_timeout=timeout, retry=Retry(ExponentialBackoff(), 1)
    )


def ring(redis: Redis, node_name: str, allocation_ids: Sequence[int]) -> None:
    """Send one launch message. Raises redis.RedisError; the allocations are then found by the node's sweep."""
    queue = Queue(queue_name(node_name), connection=redis, serializer=JSONSerializer)
    queue.enqueue_call(
        LAUNCH,
        args=(list(allocation_ids),),
        timeout=-1,
        result_ttl=0,
        failure_ttl=MESSAGE_TTL_SECONDS,
        ttl=MESSAGE_TTL_SECONDS,
        description=f"launch {len(allocation_ids)} on {node_name}",
    )


def dropped(node_name: str) -> int:
    """How many messages of others this process has dropped from the queue of a node."""
    return _dropped[queue_name(node_name)]


def launch(allocation_ids: list[int]) -> None:
    """The one function RQ runs: hand the ids to this process's launcher, which claims them in the database."""
    for receiver in _receivers:
        receiver(allocation_ids)


class _NoDeathPenalty(BaseDeathPenalty):
    """Launching is never cut short half-way: RQ's alarm signals do not belong into this process."""

    def setup_death_penalty(self) -> None:
        """Set no timer."""

    def cancel_death_penalty(self) -> None:
        """There is none to cancel."""


class _RedisCostsALine(logging.Filter):
    """RQ prints a page when Redis fails between two of its steps; that is no mistake, and a line is enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the traceback of an error of Redis off; nothing is left out."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, RedisError):
            record.msg, record.args, record.exc_info = f"{record.getMessage()} ({error})", (), None
        return True


logging.getLogger("rq.worker").addFilter(_RedisCostsALine())


class BellQueue(Queue):
    """RQ's queue, which lets its worker know of a lost server: by itself that retries for ever, and logs each time."""

    @classmethod
    def dequeue_any(cls, *args: Any, **kwargs: Any) -> Any:
        """As RQ's; what Redis says or does not say ends the worker's loop."""
        try:
            return super().dequeue_any(*args, **kwargs)
        except RedisError as exc:
            raise StopRequested from exc


class BellWorker(SimpleWorker):
    """RQ's worker for one thread of ours: no fork, no signal handlers, no remote commands, one function."""

    death_penalty_class = _NoDeathPenalty
    queue_class = BellQueue
    trouble: RedisError | None = None
    """Why the loop has ended, when it was Redis."""
    answered: Callable[[], None] = staticmethod(lambda: None)
    """Called now and then while Redis does what is asked of it."""

    def _install_signal_handlers(self) -> None:
        """Signals belong to the worker's main thread."""

    def subscribe(self) -> None:
        """Take no commands from Redis: RQ's would signal this process."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""

    @contextmanager
    def _ending_the_loop(self) -> Iterator[None]:
        """Whatever Redis says or does not say ends RQ's loop without a page, and is kept for who begins the next one.

        Nothing is lost by it: what nobody rings for, the sweep of the node finds.
        """
        try:
            yield
        except RedisError as exc:
            self.trouble = exc
            raise StopRequested from exc
        except StopRequested as exc:
            if isinstance(exc.__cause__, RedisError):
                self.trouble = exc.__cause__
            raise

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """As RQ's; see `_ending_the_loop`."""
        with self._ending_the_loop():
            super().heartbeat(timeout, pipeline)
        self.answered()

    def check_for_suspension(self, burst: bool) -> None:
        """There is none: whoever can write to Redis could silence the bell, and the look costs a round trip."""

    def run_maintenance_tasks(self) -> None:
        """As RQ's; see `_ending_the_loop`."""
        with self._ending_the_loop():
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]

    def dequeue_job_and_maintain_ttl(self, *args: Any, **kwargs: Any) -> Any:
        """As RQ's; see `_ending_the_loop`."""
        with self._ending_the_loop():
            return super().dequeue_job_and_maintain_ttl(*args, **kwargs)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a launch message; anything else in our queue is dropped unread and counted. See `_ending_the_loop`."""
        with self._ending_the_loop():
            if not isinstance(job, LaunchMessage) or job.refusal:
                self._drop(job, queue, getattr(job, "refusal", "it is of another class"))
            else:
                super().execute_job(job, queue)

    def teardown(self) -> None:
        """As RQ's; a server that is lost needs no goodbye."""
        try:
            super().teardown()  # type: ignore[no-untyped-call]
        except RedisError as exc:
            self.trouble = self.trouble or exc

    def _drop(self, job: Job, queue: Queue, why: str) -> None:
        """Forget a message without asking RQ, which would look at what depends on it."""
        _dropped[queue.name] += 1
        log.error(
            "a message on %s is not from jobwarden (%s): dropped, %d so far", queue.name, why, _dropped[queue.name]
        )
        self.connection.delete(job.key)
        self.connection.lrem(queue.intermediate_queue_key, 1, job.id)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """As RQ's, which prints a page; a line is enough when Redis was emptied under a message, as that costs nothing.

        What the message asked for is done by then, or else is left to the sweep.
        """
        if isinstance(exc_info[1], (InvalidJobOperation, NoSuchJobError)):
            log.warning("Redis has forgotten a message while it was worked off: %s", exc_info[1])
        else:
            super().handle_exception(job, *exc_info)

    def stop(self) -> None:
        """Ask the loop to end; it does within DEQUEUE_SECONDS."""
        self._stop_requested = True


def answer(redis_url: str, node_name: str, identity: str, receiver: Callable[[Sequence[int]], None]) -> BellWorker:
    """A worker for the node's queue that hands launch messages to ``receiver``. Raises redis.RedisError.

    ``identity`` makes its name unique: RQ refuses a name that Redis still remembers as alive.
    """
    _receivers[:] = [receiver]
    ttl: dict[str, Any] = {"worker_ttl": DEQUEUE_SECONDS + 15}
    connection = Redis.from_url(redis_url, socket_connect_timeout=5)
    queues = [BellQueue(queue_name(node_name), connection=connection, serializer=JSONSerializer)]
    return BellWorker(
        queues,
        job_class=LaunchMessage,
        name=f"jobwarden-{node_name}-{identity}",
        connection=connection,
        serializer=JSONSerializer,
        log_job_description=False,
        **ttl,
    )

"""A worker's sign of life: a lock that goes with its session, and a lease renewed by the database's clock."""

import logging
import threading
from collections.abc import Callable

from jobwarden.backend.database.driver import Connection, DatabaseError, Engine
from jobwarden.backend.database.engine import first_line
from jobwarden.backend.worker import registration as registry
from jobwarden.backend.worker.registration import Registration

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5


class Heartbeat(threading.Thread):
    """Beats on a connection of its own, so that no work of the worker can delay it.

    ``on_fenced`` is called once, from this thread, when a successor has taken the node.
    """

    def __init__(
        self,
        engine: Engine,
        conn: Connection,
        registration: Registration,
        seconds: float,
        on_fenced: Callable[[], None],
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._engine, self._conn, self._registration = engine, conn, registration
        self._seconds, self._on_fenced = seconds, on_fenced
        self._stop_event = threading.Event()
        self._locked = True

    def run(self) -> None:
        """Beat until stopped or fenced; a lost connection is made anew for as long as it takes."""
        pause = self._seconds
        while not self._stop_event.wait(pause):
            try:
                alive = self._beat()
            except DatabaseError as exc:
                log.warning("heartbeat failed, will reconnect: %s", first_line(exc))
                self._drop()
                pause = RETRY_SECONDS
                continue
            if not alive:
                log.error("worker %d was superseded: stopping", self._registration.worker_id)
                self._on_fenced()
                return
            pause = self._seconds if self._locked else RETRY_SECONDS

    def stop(self, reason: str) -> None:
        """End the worker's row and give the locks back. Raises DatabaseError when the database is down."""
        self._stop_event.set()
        self.join()
        registry.end(self._connection(), self._registration, reason)
        self._conn.close()

    def _beat(self) -> bool:
        conn = self._connection()
        if not self._locked:
            registration = self._registration
            self._locked = registry.hold_node_lock(conn, registration) and registry.hold_worker_lock(
                conn, registration.worker_id
            )
        return registry.beat(conn, self._registration.worker_id)

    def _connection(self) -> Connection:
        if self._conn.closed:
            self._conn = self._engine.connect().autocommit()
        return self._conn

    def _drop(self) -> None:
        self._locked = False
        if not self._conn.closed:  # it is when not even a new one could be made
            self._conn.invalidate()
            self._conn.close()

"""The thread that schedules when this worker is the leader, and waits to become it when not."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from math import inf

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, DatabaseError, Engine
from jobwarden.backend.database.engine import (
    LEADER_LOCK,
    conflict,
    first_line,
    notify_launch,
    refused,
    try_session_lock,
)
from jobwarden.backend.faults import point
from jobwarden.backend.scheduler.cycle import MOST_PLACED, give_back, run_cycle

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
GIVE_BACK_SECONDS = 1.0
"""Between two looks for what lost workers were granted and never began."""
DEEP_SHARE = 10
"""At most one part in so many of the time goes into looking at whole queues; the heads are looked at every turn."""


class Leader(threading.Thread):
    """Allocates over the very connection that holds the leader's lock: losing one loses the other and the open
    transaction with it, so two leaders never allocate at once.

    Other nodes are notified of what they have to launch at the commit itself. ``ring`` tells any node after it; it must
    not raise.
    """

    def __init__(
        self, engine: Engine, settings: Settings, own_node: str, ring: Callable[[str, Sequence[int]], None]
    ) -> None:
        super().__init__(name="scheduler", daemon=True)
        self._engine, self._settings, self._own_node, self._ring = engine, settings, own_node, ring
        self._wake = threading.Event()
        self._stopping = False
        self._deep_at, self._was_deep = 0.0, False
        self._give_back_at = 0.0
        self.leads = False
        """Whether this worker schedules now, for whoever may be a moment late to know."""

    def wake(self) -> None:
        """Something changed: have a look now rather than at the next poll."""
        self._wake.set()

    def stop(self) -> None:
        """Stop after the current turn; the lock goes with the connection."""
        self._stopping = True
        self._wake.set()
        if self.is_alive():  # it is not yet when the worker fails while it recovers
            self.join()

    def run(self) -> None:
        """Seek the lock, lead while the connection lasts, and again."""
        while not self._stopping:
            try:
                with self._engine.connect() as conn:
                    self._seek_and_lead(conn)
            except DatabaseError as exc:
                log.warning("scheduler lost the database: %s", first_line(exc))
                self._pause(RETRY_SECONDS)

    def _seek_and_lead(self, conn: Connection) -> None:
        try:
            while not self._stopping and not self._lead_if_free(conn):
                self._pause(RETRY_SECONDS)
        finally:
            self.leads = False
            conn.invalidate()  # back in the pool, the session would go on holding the leader's lock

    def _lead_if_free(self, conn: Connection) -> bool:
        with conn.begin():
            if not try_session_lock(conn, LEADER_LOCK, 0):
                return False
        log.info("leading: this worker schedules now")
        self.leads = True
        while not self._stopping:
            self._wake.clear()
            if not self._turn(conn):  # what comes meanwhile wakes us
                self._pause(min(self._settings.poll_seconds, self._until_deep()))
        return True

    def _turn(self, conn: Connection) -> bool:
        """One cycle; whether it placed as much as one may, so that there may be more to place."""
        began = time.monotonic()
        deep = self._was_deep = began >= self._deep_at
        try:
            if began >= self._give_back_at:
                self._give_back_at = began + GIVE_BACK_SECONDS
                with conn.begin():
                    give_back(conn)
            with conn.begin():
                granted = run_cycle(conn, self._settings.starve_seconds, deep=deep)
                for node_name, allocation_ids in granted.items():
                    if node_name != self._own_node:  # ours is told without a detour
                        notify_launch(conn, node_name, allocation_ids)
        except DatabaseError as exc:
            if not refused(exc) and not conflict(exc):
                raise  # a new connection has to seek the lock anew
            # somebody changed what was just read, or had the same rows locked: look again
            log.warning("allocation refused, will look again: %s", first_line(exc))
            self._pause(RETRY_SECONDS)
            return False
        except Exception:  # nothing was granted: the next turn begins anew
            log.critical("internal error in the scheduler: the worker goes on", exc_info=True)
            self._pause(RETRY_SECONDS)
            return False
        if deep:
            now = time.monotonic()
            self._deep_at = now + (DEEP_SHARE - 1) * (now - began)
        self._ring_all(granted)
        return sum(map(len, granted.values())) >= MOST_PLACED

    def _until_deep(self) -> float:
        """Seconds until the whole queues may be looked at again, for what only the heads were looked at for."""
        return inf if self._was_deep else max(0.0, self._deep_at - time.monotonic())

    def _ring_all(self, granted: Mapping[str, Sequence[int]]) -> None:
        try:
            if granted:
                point("allocated")
            for node_name, allocation_ids in granted.items():
                self._ring(node_name, allocation_ids)
        except Exception:  # what nobody rang for, the sweep of its node finds
            log.critical("internal error in ringing: the worker goes on", exc_info=True)

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self._wake.clear()

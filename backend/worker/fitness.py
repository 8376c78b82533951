"""Whether this node can launch at all: one that cannot would take job after job from the others and fail each."""

import logging
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from backend.domain.drains import FAILING, REPLACED
from backend.process.shim import shim_is_there
from backend.state import machine
from backend.worker import sql
from backend.worker.registry import Registration

log = logging.getLogger(__name__)

MOST_FAILURES = 5
"""Launches that fail in a row, without one success, for a reason of the node's before it gets no more jobs."""
OF_THE_NODE = frozenset({"descriptors", "folder", "fork", "identity", "log", "script", "supervisor"})
"""Steps of a launch whose failure is no fault of the job."""


class Fitness:
    """Counts launches. Used from one thread at a time; what touches the database raises DBAPIError."""

    def __init__(self, engine: Engine, me: Registration, program_is_there: Callable[[], bool] = shim_is_there) -> None:
        self._engine, self._me, self._program_is_there = engine, me, program_is_there
        self._failed = 0
        self._last = ""
        self._succeeded = self._missing = self._drained = False

    @property
    def spent(self) -> bool:
        """Whether so many failed that no further job should be tried."""
        return self._failed >= MOST_FAILURES

    @property
    def reason(self) -> str:
        """Why no job is tried."""
        return f"{FAILING}{self._failed} in a row, the last one: {self._last}"

    def failed(self, step: str, message: str) -> None:
        """Note a launch that failed at ``step``."""
        if step in OF_THE_NODE:
            self._failed, self._last = self._failed + 1, message

    def succeeded(self) -> None:
        """Note one that did not."""
        self._failed, self._succeeded = 0, True

    def look_again(self) -> None:
        """Before a batch: whoever resumed the node gives it as many launches again. What was granted before it was
        drained is not tried."""
        if self._drained and not self._has_drain(FAILING):
            self._failed, self._drained = 0, False

    def settle(self) -> None:
        """After a batch: drain the node, or take back the drain that launches which failed had brought about."""
        if self.spent:
            if not self._drained:
                self._drain(self.reason)
            self._drained = True
        elif self._succeeded:
            self._lift(FAILING)
        self._succeeded = False

    def begin(self) -> None:
        """A worker that starts has the program: what was said of the one before it is over."""
        self._lift(REPLACED)

    def program_there(self) -> bool:
        """Whether there is what starts a job; while there is not, launches wait and the node gets no more of them."""
        if self._program_is_there():
            if self._missing:
                self._lift(REPLACED)
            self._missing = False
        elif not self._missing:
            self._drain(REPLACED)
            self._missing = True
        return not self._missing

    def _drain(self, why: str) -> None:
        log.error("node %s gets no more jobs: %s", self._me.node_name, why)
        with self._engine.begin() as conn:
            machine.set_drain(conn, self._me.node_name, True, self._me.actor, why)

    def _lift(self, prefix: str) -> None:
        with self._engine.begin() as conn:
            if self._reason_of_drain(conn).startswith(prefix):
                machine.set_drain(conn, self._me.node_name, False, self._me.actor, "launches work again")

    def _has_drain(self, prefix: str) -> bool:
        with self._engine.connect() as conn:
            return self._reason_of_drain(conn).startswith(prefix)

    def _reason_of_drain(self, conn: Connection) -> str:
        return conn.scalar(sql.DRAIN_REASON, {"node": self._me.node_name}) or ""

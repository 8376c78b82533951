"""What the worker does on being woken or now and then: operators' commands, the sweep, the embedded servers."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from jobwarden.backend.database.driver import DatabaseError, Engine
from jobwarden.backend.database.engine import LAUNCH, Listener, channel_of, conflict, first_line, listening
from jobwarden.backend.domain.units import is_id
from jobwarden.backend.process.exit_status import EndCause
from jobwarden.backend.worker import sql
from jobwarden.backend.worker.crash_guard import contained
from jobwarden.backend.worker.watched_job import EndRequest

log = logging.getLogger(__name__)

SWEEP_SECONDS = 3.0
RETRY_SECONDS = 1.0
MAY_START = frozenset(("queue", "nodes", "workers"))
"""News after which a job may start that could not before."""
CAUSES = {"cancel": EndCause.CANCELLED, "kill": EndCause.KILLED}


class CommandListener(threading.Thread):
    """Listens for notifications and runs the chores that follow, with a poll behind them.

    ``wake_scheduler`` is called when a job may start, ``launch`` for allocations of this node that were granted
    elsewhere, ``end`` for each open command of this node, ``sweep`` every few seconds; ``mend`` when the database is
    lost.
    """

    def __init__(
        self,
        engine: Engine,
        node_name: str,
        poll_seconds: float,
        *,
        wake_scheduler: Callable[[], None],
        launch: Callable[[Sequence[int]], None],
        end: Callable[[int, EndRequest], None],
        sweep: Callable[[], None],
        mend: Callable[[], None],
    ) -> None:
        super().__init__(name="commands", daemon=True)
        self._engine, self._node_name, self._poll_seconds = engine, node_name, poll_seconds
        self._wake_scheduler, self._launch, self._end = wake_scheduler, launch, end
        self._sweep, self._mend = sweep, mend
        self._stop_event = threading.Event()

    def stop(self) -> None:
        """Stop within one poll."""
        self._stop_event.set()
        if self.is_alive():  # it is not yet when the worker fails while it recovers
            self.join()

    def run(self) -> None:
        """Listen, and listen again after every loss of the connection."""
        while not self._stop_event.is_set():
            try:
                with listening(self._engine, channel_of(self._node_name)) as listener:
                    self._wake_scheduler()
                    self._serve(listener)
            except DatabaseError as exc:
                if conflict(exc):
                    log.warning("a task was cancelled, will try again: %s", first_line(exc))
                else:
                    log.warning("lost the database, will reconnect: %s", first_line(exc))
                    self._mend()
                self._stop_event.wait(RETRY_SECONDS)

    def _serve(self, listener: Listener) -> None:
        next_poll = next_sweep = 0.0
        while not self._stop_event.is_set():
            payloads = listener.wait(self._poll_seconds)
            now = time.monotonic()
            if payloads & MAY_START:
                self._wake_scheduler()
            if allocations := launches_in(payloads):
                self._launch(allocations)
            if "commands" in payloads or now >= next_poll:
                next_poll = now + self._poll_seconds
                self._carry_out_commands()
            if now >= next_sweep:
                next_sweep = now + SWEEP_SECONDS
                self._sweep()

    def _carry_out_commands(self) -> None:
        with self._engine.connect() as conn:
            rows = conn.execute(sql.OPEN_COMMANDS, {"node": self._node_name}).all()
        for row in rows:
            with contained(f"the {row.action} of job {row.job_id}"):
                self._end(row.job_id, EndRequest(CAUSES[row.action], row.actor, row.reason))


def launches_in(payloads: Iterable[str]) -> list[int]:
    """The allocations that notifications name. Whoever may connect may notify: what is none is passed over."""
    words = [word for payload in payloads if payload.startswith(LAUNCH) for word in payload[len(LAUNCH) :].split(",")]
    return [int(word) for word in words if is_id(word)]

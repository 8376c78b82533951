"""The thread of one receiver: a slow one delays neither the rules nor the other receivers, only itself."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from jobwarden.backend.monitoring.alerts import delivery
from jobwarden.backend.monitoring.alerts.records import DeliveryError, Notice

log = logging.getLogger(__name__)

ATTEMPTS = 5
"""Deliveries that are tried before a notice is given up."""
PAUSE_SECONDS = 10.0
"""Before the second delivery of a notice; twice as long before each further one."""
QUEUE_LENGTH = 50
"""Notices that wait for one receiver; more stay in the database, which is asked again."""


@dataclass(slots=True)
class _Task:
    notice: Notice
    attempts: int = 0
    not_before: float = 0.0


class Receiver(threading.Thread):
    """Takes notices and tries each until it is delivered or given up.

    ``wanted`` is asked before each attempt: one that is not the leader any more leaves the rest to its successor.
    ``report`` gets what became of an attempt: the notice, what went wrong ("" when it was delivered, None when it was
    left to others), whether this was the last.
    """

    def __init__(
        self,
        name: str,
        send: delivery.Send,
        wanted: Callable[[], bool],
        report: Callable[[Notice, str | None, bool], None],
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._send, self._wanted, self._report = send, wanted, report
        self._changed = threading.Condition()
        self._tasks: list[_Task] = []
        self._stopping = False

    def offer(self, notice: Notice) -> bool:
        """Take a notice, unless too many wait already."""
        with self._changed:
            if len(self._tasks) >= QUEUE_LENGTH:
                return False
            self._tasks.append(_Task(notice))
            self._changed.notify()
            return True

    def stop(self) -> None:
        """Begin no further attempt; one that is under way is not waited for."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def run(self) -> None:
        """Deliver what is due, the oldest first."""
        while (task := self._next()) is not None:
            try:
                self._attempt(task)
            except Exception as exc:
                log.exception("%s failed with an internal error", self.name)
                self._settle(task, f"{self.name}: {type(exc).__name__}: {exc}")

    def _next(self) -> _Task | None:
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                due = next((task for task in self._first_of_each() if task.not_before <= now), None)
                if due is not None:
                    return due
                waits = [task.not_before - now for task in self._first_of_each()]
                self._changed.wait(min(waits, default=None))
        return None

    def _first_of_each(self) -> list[_Task]:
        """Of each alert the oldest notice: it is raised before it is cleared."""
        found: dict[int, _Task] = {}
        for task in self._tasks:
            found.setdefault(task.notice.alert_id, task)
        return list(found.values())

    def _attempt(self, task: _Task) -> None:
        if not self._wanted():
            self._settle(task, None)
            return
        task.attempts += 1
        try:
            self._send(task.notice, delivery.body(task.notice))
        except DeliveryError as exc:
            log.warning("%s (attempt %d of %d)", exc, task.attempts, ATTEMPTS)
            if task.attempts >= ATTEMPTS:
                self._settle(task, f"{exc} (given up after {ATTEMPTS} attempts)")
                return
            task.not_before = time.monotonic() + PAUSE_SECONDS * 2 ** (task.attempts - 1)
            self._report(task.notice, f"{exc} (attempt {task.attempts} of {ATTEMPTS})", False)
        else:
            self._settle(task, "")

    def _settle(self, task: _Task, problem: str | None) -> None:
        with self._changed:
            self._tasks.remove(task)
        self._report(task.notice, problem, True)

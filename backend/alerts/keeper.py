"""The thread in each worker that judges the rules and tells the receivers, apart from everything that runs jobs."""

import logging
import threading
import time
from collections.abc import Callable, Iterable

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from backend.alerts import book
from backend.alerts.couriers import deliver
from backend.alerts.lost import notice_lost
from backend.alerts.records import Notice, Reading
from backend.alerts.rules import RULES, judge, living_nodes
from backend.database.engine import refused
from backend.settings import Settings

log = logging.getLogger(__name__)

ATTEMPTS = 5
"""Deliveries that are tried before a notice is given up."""
PAUSE_SECONDS = 10.0
"""Before the second delivery of a notice; twice as long before each further one."""

Key = tuple[str, str]


class Keeper(threading.Thread):
    """``leads`` tells whether this worker is the leader: that one judges the installation and delivers everything."""

    def __init__(self, engine: Engine, settings: Settings, leads: Callable[[], bool]) -> None:
        super().__init__(name="alerts", daemon=True)
        self._engine, self._settings, self._leads = engine, settings, leads
        self._stopping = threading.Event()
        self._since: dict[Key, tuple[bool, float]] = {}
        self._failed: dict[tuple[int, str], tuple[int, float]] = {}
        self._complained = ""

    def stop(self) -> None:
        """Stop soon; a delivery that is under way is not waited for."""
        self._stopping.set()

    def run(self) -> None:
        """Judge and tell, over and over. Nothing that goes wrong here may end a worker."""
        while not self._stopping.wait(self._settings.alert_poll_seconds):
            try:
                if self._leads():
                    self.notice()
                self.judge()
                if self._leads():
                    self.tell()
            except DBAPIError as exc:
                self._complain(exc)
            except Exception:
                log.exception("alerts could not be judged, will try again")

    def _complain(self, exc: DBAPIError) -> None:
        """A database that is down is told by others; one that says no, above all for want of a right, only here."""
        line = str(exc.orig).strip().partition("\n")[0]
        if not refused(exc):
            log.debug("alerts wait for the database: %s", line)
        elif line != self._complained:
            log.warning("no alert can be raised or told: %s; run `jobwarden db roles` again?", line)
            self._complained = line

    def notice(self) -> None:
        """Note the workers that died, whatever the rules say."""
        with self._engine.begin() as conn:
            for worker_id in notice_lost(conn):
                log.warning("worker %d is dead", worker_id)

    def judge(self) -> None:
        """Open and close alerts by what the rules measure now."""
        leads, here = self._leads(), self._settings.node_name
        with self._engine.begin() as conn:
            readings = judge(conn, self._settings, [rule for rule in RULES if rule.local or leads])
            alerts = [alert for alert in book.open_alerts(conn) if leads or alert.subject == here]
            alive = living_nodes(conn) if leads else {here}
        now = time.monotonic()
        held = {reading.key: reading for reading in readings if self._has_held(reading, now)}
        met = [alert for alert in alerts if alert.key in held and not held[alert.key].over]
        gone = [a for a in alerts if not _judged(a.key, readings) and not (a.subject in alive and a.subject != here)]
        with self._engine.begin() as conn:
            book.raise_alerts(conn, [reading for reading in held.values() if reading.over])
            book.clear_alerts(conn, met, "below its threshold again")
            book.clear_alerts(conn, gone, "no longer judged")

    def _has_held(self, reading: Reading, now: float) -> bool:
        """Whether the rule has said the same for as long as it must before anybody is told."""
        over, since = self._since.get(reading.key, (reading.over, now))
        if over is not reading.over:
            since = now
        self._since[reading.key] = (reading.over, since)
        return now - since >= self._settings.alert_for_seconds

    def tell(self) -> None:
        """Deliver what is due, in order."""
        with self._engine.connect() as conn:
            notices = book.untold(conn)
        for alert_id, notice in notices:
            if self._stopping.is_set():
                return
            if self._is_due(alert_id, notice):
                self._tell(alert_id, notice)

    def _is_due(self, alert_id: int, notice: Notice) -> bool:
        _, not_before = self._failed.get((alert_id, notice.status), (0, 0.0))
        return time.monotonic() >= not_before

    def _tell(self, alert_id: int, notice: Notice) -> None:
        problems = deliver(notice, self._settings)
        key = (alert_id, notice.status)
        attempts = self._failed.get(key, (0, 0.0))[0] + 1
        for problem in problems:
            log.warning("%s (attempt %d of %d)", problem, attempts, ATTEMPTS)
        if problems and attempts < ATTEMPTS:
            self._failed[key] = (attempts, time.monotonic() + PAUSE_SECONDS * 2 ** (attempts - 1))
            return
        self._failed.pop(key, None)
        with self._engine.begin() as conn:
            book.told(conn, alert_id, notice)


def _judged(key: Key, readings: Iterable[Reading]) -> bool:
    return any(reading.key == key for reading in readings)

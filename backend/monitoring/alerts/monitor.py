"""The thread in each worker that judges the rules and tells the receivers, and notices workers that died."""

import logging
import threading
import time
from collections.abc import Callable, Iterable

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, DatabaseError, Engine
from jobwarden.backend.database.engine import first_line, refused
from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.domain.units import format_age
from jobwarden.backend.monitoring.alerts import sql, store
from jobwarden.backend.monitoring.alerts.dispatcher import NoticeOutbox
from jobwarden.backend.monitoring.alerts.records import Reading
from jobwarden.backend.monitoring.alerts.rules import RULES, judge, living_nodes
from jobwarden.backend.queries.models.snapshot import AlertRow
from jobwarden.backend.queries.workers import read_workers
from jobwarden.backend.state import machine

# The leader notices workers that died: kept with the worker, for the metrics, and in the audit.

ACTOR = "leader"


def notice_lost(conn: Connection) -> list[int]:
    """Note each dead worker once; the ids of those that nobody had noticed before."""
    dead = [w.id for w in read_workers(conn) if w.state is WorkerState.DEAD and w.ended_at is None]
    if not dead:
        return []
    noticed = conn.execute(sql.NOTICE, {"ids": dead}).all()
    for row in noticed:
        why = f"worker {row.id} is dead, last heartbeat {format_age(row.noticed_after)} ago"
        machine.note_node(conn, row.node_name, ACTOR, "worker-lost", why, {"worker_id": row.id})
    return [row.id for row in noticed]


log = logging.getLogger(__name__)

AlertKey = tuple[str, str]

END_SECONDS = 2.0
"""So long a worker that stops waits for the end of an alert_command; what ends it goes on without the worker."""


class AlertMonitor(threading.Thread):
    """``leads`` tells whether this worker is the leader: that one judges the installation and delivers everything."""

    def __init__(self, engine: Engine, settings: Settings, leads: Callable[[], bool]) -> None:
        super().__init__(name="alerts", daemon=True)
        self._engine, self._settings, self._leads = engine, settings, leads
        self._stopping = threading.Event()
        self._since: dict[AlertKey, tuple[bool, float]] = {}
        self._outbox = NoticeOutbox(settings, leads)
        self._complained = ""

    def stop(self) -> None:
        """Stop soon, and end the command that is being run; a delivery to a server is not waited for."""
        self._stopping.set()
        self._outbox.stop()

    def wait(self) -> None:
        """After `stop`: give the command that is being ended its time."""
        self._outbox.wait(END_SECONDS)

    @property
    def idle(self) -> bool:
        """Whether no notice is with a receiver."""
        return self._outbox.idle

    def run(self) -> None:
        """Judge and tell, over and over. Nothing that goes wrong here may end a worker."""
        while not self._stopping.wait(self._settings.alert_poll_seconds):
            try:
                if self._leads():
                    self.notice()
                self.judge()
                if self._leads():
                    self.tell()
            except DatabaseError as exc:
                self._complain(exc)
            except Exception:
                log.exception("alerts could not be evaluated, will try again")

    def _complain(self, exc: DatabaseError) -> None:
        """A database that is down is told by others; one that says no, above all for want of a right, only here."""
        line = first_line(exc)
        if not refused(exc):
            log.debug("alerts wait for the database: %s", line)
        elif line != self._complained:
            log.warning("alerts cannot be written: %s; run `jobwarden db roles` again", line)
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
            alerts = [alert for alert in store.open_alerts(conn) if leads or alert.subject == here]
            alive = living_nodes(conn) if leads else {here}
        now = time.monotonic()
        held = {reading.key: reading for reading in readings if self._has_held(reading, now)}
        met = [alert for alert in alerts if alert.key in held and not held[alert.key].over]
        gone = [a for a in alerts if not _judged(a.key, readings) and not (a.subject in alive and a.subject != here)]
        with self._engine.begin() as conn:
            store.raise_alerts(conn, [reading for reading in held.values() if reading.over])
            store.refresh_alerts(conn, [reading for reading in readings if reading.over])
            for alert in met:
                store.clear_alert(conn, alert, f"resolved: {held[alert.key].fact}", held[alert.key].value)
            for alert in gone:
                store.clear_alert(conn, alert, _why_gone(alert), alert.value)

    def _has_held(self, reading: Reading, now: float) -> bool:
        """Whether the rule has said the same for as long as it must before anybody is told."""
        over, since = self._since.get(reading.key, (reading.over, now))
        if over is not reading.over:
            since = now
        self._since[reading.key] = (reading.over, since)
        return now - since >= self._settings.alert_for_seconds

    def tell(self) -> None:
        """Hand out what is due, and keep what became of it."""
        with self._engine.begin() as conn:
            self._outbox.write_down(conn)
        self._outbox.written()
        with self._engine.connect() as conn:
            notices = store.untold(conn, self._settings.alert_reminder_seconds)
        self._outbox.hand_out(notices)


def _judged(key: AlertKey, readings: Iterable[Reading]) -> bool:
    return any(reading.key == key for reading in readings)


def _why_gone(alert: AlertRow) -> str:
    """Nobody knows whether it is well now."""
    cause = f"node {alert.subject} has no worker, or" if alert.subject else ""
    return " ".join(f"closed: nobody judges it any more, as {cause} the rule is off".split())

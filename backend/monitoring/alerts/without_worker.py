"""What is true although no worker is left to say it: for whoever looks, and for cron."""

from collections.abc import Sequence

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, Engine
from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.errors import Refused
from jobwarden.backend.monitoring.alerts import store
from jobwarden.backend.monitoring.alerts.delivery import NOBODY, deliver, receivers
from jobwarden.backend.monitoring.alerts.records import Notice, Reading
from jobwarden.backend.monitoring.alerts.rules import DEAD_WORKERS, judge
from jobwarden.backend.monitoring.alerts.store import open_alerts
from jobwarden.backend.queries.models.jobs import WorkerRow
from jobwarden.backend.queries.models.snapshot import AlertRow
from jobwarden.backend.queries.workers import read_workers


def unattended(conn: Connection, settings: Settings, workers: Sequence[WorkerRow]) -> Reading | None:
    """The loss of the last worker, by the rule that workers judge while there are some; None while one lives."""
    if any(worker.state is not WorkerState.DEAD for worker in workers):
        return None
    over = [reading for reading in judge(conn, settings, [DEAD_WORKERS]) if reading.over]
    return over[0] if over else None


def alerts_now(conn: Connection, settings: Settings, workers: Sequence[WorkerRow] | None = None) -> list[AlertRow]:
    """The alerts that are open, oldest first; among them, with id 0 where nobody has kept it, the loss of the last
    worker. ``workers``: what was just read of them."""
    rows = open_alerts(conn)
    known = read_workers(conn) if workers is None else workers
    lost = unattended(conn, settings, known)
    if lost is None:
        return rows
    kept = next((row for row in rows if row.key == lost.key), None)
    number, since, problem = (
        (kept.id, kept.raised_at, kept.undelivered) if kept else (0, max(one.heartbeat_at for one in known), None)
    )
    said = AlertRow(number, lost.rule, lost.subject, lost.message, lost.value, lost.threshold, since, problem)
    return sorted([*(row for row in rows if row is not kept), said], key=lambda row: row.raised_at)


# Tell in place of the workers when all of them are dead: for cron, as nobody else is left to do it.


def tell_instead(engine: Engine, settings: Settings) -> tuple[list[Notice], list[str]] | None:
    """Raise the loss of the last worker and tell what is due, reminders too; None while a worker lives, as that is its
    affair. What was told, and what went wrong with a receiver, one line each.

    A notice that no receiver took is due again. Raises Refused when there is none at all, DatabaseError (42501) without
    the rights of a worker.
    """
    with engine.begin() as conn:
        workers = read_workers(conn)
        if any(worker.state is not WorkerState.DEAD for worker in workers):
            return None
        if not receivers(settings):
            raise Refused(NOBODY)
        lost = unattended(conn, settings, workers)
        if lost is not None:
            store.raise_alerts(conn, [lost])
            store.refresh_alerts(conn, [lost])
    with engine.connect() as conn:
        notices = store.untold(conn, settings.alert_reminder_seconds)
    problems = []
    for notice in notices:
        problems += _tell(engine, settings, notice)
    return notices, problems


def _tell(engine: Engine, settings: Settings, notice: Notice) -> list[str]:
    problems = deliver(notice, settings)
    line = "; ".join(problems) or None
    with engine.begin() as conn:
        if line is None or len(problems) < len(receivers(settings)):
            store.told(conn, notice, line)
        else:
            store.undelivered(conn, notice, line)
    return problems

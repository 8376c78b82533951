"""Tell in place of the workers when all of them are dead: for cron, as nobody else is left to do it."""

from sqlalchemy import Engine

from backend.alerts import book
from backend.alerts.couriers import NOBODY, deliver, receivers
from backend.alerts.records import Notice
from backend.alerts.watch import unattended
from backend.domain.states import WorkerState
from backend.errors import Refused
from backend.readmodel.workers import read_workers
from backend.settings import Settings


def tell_instead(engine: Engine, settings: Settings) -> tuple[list[Notice], list[str]] | None:
    """Raise the loss of the last worker and tell what is due, reminders too; None while a worker lives, as that is its
    affair. What was told, and what went wrong with a receiver, one line each.

    A notice that no receiver took is due again. Raises Refused when there is none at all, DBAPIError (42501) without
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
            book.raise_alerts(conn, [lost])
            book.refresh_alerts(conn, [lost])
    with engine.connect() as conn:
        notices = book.untold(conn, settings.alert_reminder_seconds)
    problems = []
    for notice in notices:
        problems += _tell(engine, settings, notice)
    return notices, problems


def _tell(engine: Engine, settings: Settings, notice: Notice) -> list[str]:
    problems = deliver(notice, settings)
    line = "; ".join(problems) or None
    with engine.begin() as conn:
        if line is None or len(problems) < len(receivers(settings)):
            book.told(conn, notice, line)
        else:
            book.undelivered(conn, notice, line)
    return problems

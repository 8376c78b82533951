"""What is true although no worker is left to say it: judged by whoever looks, and kept by nobody."""

from collections.abc import Sequence

from sqlalchemy import Connection

from backend.alerts.book import open_alerts
from backend.alerts.records import AlertRow, Reading
from backend.alerts.rules import DEAD_WORKERS, judge
from backend.domain.states import WorkerState
from backend.readmodel.records import WorkerRow
from backend.readmodel.workers import read_workers
from backend.settings import Settings


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

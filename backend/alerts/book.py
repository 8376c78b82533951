"""Where alerts are opened, closed and marked as told: one open alert for each rule and subject, whoever judges."""

from collections.abc import Iterable

from sqlalchemy import Connection

from backend.alerts import sql
from backend.alerts.records import AlertRow, Notice, Reading
from backend.state import machine

ACTOR = "alerts"


def open_alerts(conn: Connection) -> list[AlertRow]:
    """The alerts that are open, oldest first."""
    return [AlertRow(**row._mapping) for row in conn.execute(sql.OPEN)]


def raise_alerts(conn: Connection, readings: Iterable[Reading]) -> int:
    """Open what is not open yet, each with its event; how many were."""
    raised = 0
    for reading in readings:
        values = {name: getattr(reading, name) for name in ("rule", "subject", "message", "value", "threshold")}
        if conn.scalar(sql.RAISE, values) is not None:
            machine.note_node(conn, reading.subject, ACTOR, "alert", reading.message, {"rule": reading.rule})
            raised += 1
    return raised


def clear_alerts(conn: Connection, alerts: Iterable[AlertRow], why: str) -> None:
    """Close alerts, each with its event."""
    for alert in alerts:
        if conn.scalar(sql.CLEAR, {"id": alert.id}) is not None:
            machine.note_node(conn, alert.subject, ACTOR, "alert-cleared", why, {"rule": alert.rule})


def untold(conn: Connection) -> list[tuple[int, Notice]]:
    """What receivers have not been told, in order: an alert before its recovery. The numbers are for told()."""
    notices = []
    for row in conn.execute(sql.UNTOLD):
        what = (row.rule, row.subject, row.message, row.value, row.threshold, row.raised_at)
        if not row.told:
            notices.append((row.id, Notice("raised", *what)))
        if row.cleared_at is not None:
            notices.append((row.id, Notice("cleared", *what, row.cleared_at)))
    return notices


def told(conn: Connection, alert_id: int, notice: Notice) -> None:
    """Keep that a notice was delivered, or given up."""
    conn.execute(sql.TOLD_RAISED if notice.status == "raised" else sql.TOLD_CLEARED, {"id": alert_id})

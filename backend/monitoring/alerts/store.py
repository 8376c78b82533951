"""Where alerts are opened, closed and marked as told: one open alert for each rule and subject, whoever judges."""

from collections.abc import Iterable

from jobwarden.backend.database.driver import Connection
from jobwarden.backend.monitoring.alerts import sql
from jobwarden.backend.monitoring.alerts.records import Notice, Reading
from jobwarden.backend.queries.models.snapshot import AlertRow
from jobwarden.backend.state import machine

ACTOR = "alerts"


def open_alerts(conn: Connection) -> list[AlertRow]:
    """The alerts that are open, oldest first."""
    return [AlertRow(**row.asdict()) for row in conn.execute(sql.OPEN)]


def closed_untold(conn: Connection) -> list[AlertRow]:
    """Alerts closed within a day of which some receiver has not taken the last notice."""
    return [AlertRow(**row.asdict()) for row in conn.execute(sql.LATELY_CLOSED_UNTOLD)]


def raise_alerts(conn: Connection, readings: Iterable[Reading]) -> int:
    """Open what is not open yet, each with its event; how many were."""
    raised = 0
    for reading in readings:
        if conn.scalar(sql.RAISE, _values(reading)) is not None:
            machine.note_node(conn, reading.subject, ACTOR, "alert", reading.message, {"rule": reading.rule})
            raised += 1
    return raised


def refresh_alerts(conn: Connection, readings: Iterable[Reading]) -> None:
    """Let open alerts say what is measured now."""
    for reading in readings:
        conn.execute(sql.REFRESH, _values(reading))


def _values(reading: Reading) -> dict[str, object]:
    return {name: getattr(reading, name) for name in ("rule", "subject", "message", "value", "threshold")}


def clear_alert(conn: Connection, alert: AlertRow, why: str, value: float) -> None:
    """Close an alert, with its event: ``why`` is what is true now, and what receivers are told."""
    if conn.scalar(sql.CLEAR, {"id": alert.id, "message": why, "value": value}) is not None:
        machine.note_node(conn, alert.subject, ACTOR, "alert-cleared", why, {"rule": alert.rule})


def untold(conn: Connection, reminder_seconds: float | None) -> list[Notice]:
    """What receivers have not been told, in order: an alert before its recovery, reminders where they are due."""
    notices = []
    for row in conn.execute(sql.UNTOLD, {"reminder": reminder_seconds}):
        what = (row.rule, row.subject, row.message, row.value, row.threshold, row.raised_at)
        if not row.told:
            notices.append(Notice("raised", *what, alert_id=row.id))
        elif row.cleared_at is None:
            notices.append(Notice("reminder", *what, alert_id=row.id))
        if row.cleared_at is not None:
            now = (row.cleared_message, row.cleared_value, row.threshold, row.raised_at, row.cleared_at)
            notices.append(Notice("cleared", row.rule, row.subject, *now, alert_id=row.id))
    return notices


def told(conn: Connection, notice: Notice, problem: str | None = None) -> None:
    """Keep that a notice was delivered, or given up because of ``problem``."""
    conn.execute(sql.TOLD[notice.status], {"id": notice.alert_id, "problem": problem})


def undelivered(conn: Connection, notice: Notice, problem: str) -> None:
    """Keep why a notice was not delivered so far."""
    conn.execute(sql.UNDELIVERED, {"id": notice.alert_id, "problem": problem})

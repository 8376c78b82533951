"""The rules, as a table: what each measures and how it is said."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from jobwarden.backend.anomalies import detect
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.disk_reserve import ROOM_AGAIN, room
from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.domain.units import counted, format_bytes, format_duration
from jobwarden.backend.monitoring.alerts import sql
from jobwarden.backend.monitoring.alerts.records import Reading
from jobwarden.backend.queries.models.snapshot import lost_nodes
from jobwarden.backend.queries.workers import read_workers

FEWEST_ENDED = 10
"""Jobs that must have ended within the window: two failures of three are no rate."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A value, what it means in words, and what to do when it is too high."""

    value: float
    fact: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """``setting`` holds the threshold. A local rule is judged by every worker for its node, any other by the leader."""

    name: str
    setting: str
    measure: Callable[[Connection, Settings], Measured]
    local: bool = False


def _orphans(conn: Connection, settings: Settings) -> Measured:
    number = len(detect.find(conn, settings))
    remedy = "see `jobwarden orphans`, clean them up with `jobwarden clean`"
    return Measured(number, counted(number, "anomaly"), remedy)


def _dead_workers(conn: Connection, settings: Settings) -> Measured:
    nodes = lost_nodes(read_workers(conn))
    if not nodes:
        return Measured(0, "every node has its worker")
    return Measured(len(nodes), f"no worker on {', '.join(nodes)}", "start it again: it takes over its jobs")


def _disk(_: Connection, settings: Settings) -> Measured:
    usage = shutil.disk_usage(settings.home)
    percent = 100 * (usage.total - usage.free) / usage.total
    return Measured(
        percent, f"disk of {settings.home} is {percent:.0f}% full", "see `jobwarden housekeeping --dry-run`"
    )


def _reserve(_: Connection, settings: Settings) -> Measured:
    now = room(settings, settings.home / "spool" / settings.node_name)
    where = f"{format_bytes(now.free)} free on the disk of the spool of {settings.node_name}"
    if not now.reserve or now.free >= now.reserve * ROOM_AGAIN:
        return Measured(0.0, f"{where}: logs of jobs grow")
    return Measured(
        (now.reserve * ROOM_AGAIN - now.free) / (1 << 20),
        f"{where}: logs of jobs stop growing below {format_bytes(now.reserve)}",
        "free some space (`jobwarden housekeeping`), or kill what writes",
    )


def _waiting(conn: Connection, _: Settings) -> Measured:
    row = conn.execute(sql.LONGEST_WAIT).first()
    if row is None:
        return Measured(0.0, "no job is waiting")
    return Measured(
        row.seconds, f"job {row.id} has waited {format_duration(int(row.seconds))}", f"see `jobwarden show {row.id}`"
    )


def _failures(conn: Connection, settings: Settings) -> Measured:
    row = conn.execute(sql.ENDED, {"window": settings.alert_window_seconds}).one()
    window = format_duration(int(settings.alert_window_seconds))
    fact = f"{row.failed} of {counted(row.ended, 'job')} FAILED within {window}"
    if row.ended < FEWEST_ENDED:
        return Measured(0.0, f"{fact}: too few for a rate")
    return Measured(100 * row.failed / row.ended, fact, "see `jobwarden jobs state:failed`")


DEAD_WORKERS = AlertRule("dead-workers", "alert_dead_workers", _dead_workers)

RULES = (
    AlertRule("orphans", "alert_orphans", _orphans),
    DEAD_WORKERS,
    AlertRule("disk", "alert_disk_percent", _disk, local=True),
    AlertRule("disk-reserve", "alert_reserve_mb", _reserve, local=True),
    AlertRule("waiting", "alert_waiting_seconds", _waiting),
    AlertRule("failures", "alert_failure_percent", _failures),
)


def judge(conn: Connection, settings: Settings, rules: Iterable[AlertRule]) -> list[Reading]:
    """Measure what the rules ask for; a rule that is off is left out."""
    readings = []
    for rule in rules:
        threshold = getattr(settings, rule.setting)
        if threshold is not None:
            now = rule.measure(conn, settings)
            subject = settings.node_name if rule.local else ""
            readings.append(Reading(rule.name, subject, now.value, threshold, now.fact, now.remedy))
    return readings


def living_nodes(conn: Connection) -> set[str]:
    """Nodes that have a worker: whose local rules are judged by themselves."""
    return {worker.node_name for worker in read_workers(conn) if worker.state is not WorkerState.DEAD}

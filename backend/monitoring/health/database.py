"""The checks that ask the database, in the order of the table at the end."""

import time
from collections import Counter
from collections.abc import Callable

from jobwarden.backend.anomalies import detect
from jobwarden.backend.anomalies.strays import Scanner
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.database.engine import SCHEMA_VERSION, current_version
from jobwarden.backend.domain.pending_reason import never_starts
from jobwarden.backend.domain.states import AnomalyKind, WorkerState, by_worker
from jobwarden.backend.domain.units import counted, format_age
from jobwarden.backend.monitoring.health import sql
from jobwarden.backend.monitoring.health.records import Check, degraded, ok, unknown
from jobwarden.backend.queries.jobs import read_jobs
from jobwarden.backend.queries.models.jobs import SUBMITTERS, WorkerRow
from jobwarden.backend.queries.models.snapshot import lost_nodes
from jobwarden.backend.queries.workers import read_nodes, read_workers

SKEW_SECONDS = 2.0
"""More than this between two clocks, and times in records and logs contradict each other."""
LAG_SECONDS = 60.0
"""A granted job is started in well under a second by its bell, within about 15 s without it."""
SECOND_LOOK_SECONDS = 2.0
"""What a restart or a burst shows for a moment is looked at once more before it counts."""
GONE_SECONDS = 7 * 86_400.0
"""A dead worker that owns nothing is news for so long; after that its node counts as given up."""

OF_DEAD_WORKERS = {AnomalyKind.ORPHAN, AnomalyKind.LOST, AnomalyKind.UNRECORDED}
"""What a worker leaves behind that dies."""

CheckFunction = Callable[[Connection, Settings], Check]


def _schema(conn: Connection, _: Settings) -> Check:
    found = current_version(conn)
    if found == SCHEMA_VERSION:
        return ok("schema", f"version {found}")
    if found is None:
        return unknown("schema", "the database has no jobwarden schema", "run `jobwarden db upgrade`")
    advice = "run `jobwarden db upgrade`" if found < SCHEMA_VERSION else "upgrade jobwarden"
    return unknown("schema", f"version {found}, this program needs {SCHEMA_VERSION}", advice)


def _clock(conn: Connection, _: Settings) -> Check:
    before = time.time()
    theirs = float(conn.scalar(sql.CLOCK) or 0.0)
    after = time.time()
    skew = theirs - (before + after) / 2
    if abs(skew) - (after - before) / 2 <= SKEW_SECONDS:
        return ok("clock", f"{abs(skew):.1f} s apart from the database's", skew)
    way = "behind" if skew > 0 else "ahead of"
    return degraded("clock", f"{format_age(abs(skew))} {way} the database's", "synchronise both with NTP", skew)


SEE_WORKERS = "see workers"
"""The advice of a check whose cause another check names: one cause has one remedy."""


def _leader(conn: Connection, _: Settings) -> Check:
    if _twice(lambda: not conn.scalar(sql.LEADER)):
        alive = any(row.state is not WorkerState.DEAD for row in read_workers(conn))
        advice = "see the logs of the workers: one of them should schedule" if alive else SEE_WORKERS
        return degraded("leader", "no worker is the scheduler: pending jobs do not start", advice)
    return ok("leader", "one worker is the scheduler")


def _workers(conn: Connection, _: Settings) -> Check:
    rows = read_workers(conn)
    alive = [row for row in rows if row.state is not WorkerState.DEAD]
    lost = _lost(rows)
    if lost:
        one = lost[0]
        more = f" and those of {counted(len(lost) - 1, 'more node')}" if len(lost) > 1 else ""
        return degraded(
            "workers",
            f"worker {one.id} of {one.node_name}{more} is dead, last heartbeat {format_age(one.lease_age)} ago",
            f"start it again on host {one.hostname}: `jobwarden worker --node {one.node_name}`",
            len(alive),
        )
    if not alive:
        return degraded(
            "workers", "no worker is running", "start one: `jobwarden up --no-tui` or `jobwarden worker`", 0
        )
    unfit = conn.execute(sql.DRAINED).all()
    unable = [row for row in unfit if by_worker(row.drain_reason) and row.name in {one.node_name for one in alive}]
    if unable:
        node = unable[0]
        advice = "see the log of its worker; when it is fixed, restart it or `jobwarden resume` the node"
        return degraded("workers", f"node {node.name} gets no jobs: {node.drain_reason}", advice, len(alive))
    outdated = [row for row in alive if row.outdated]
    if outdated:
        one = outdated[0]
        more = f", as do {len(outdated) - 1} more" if len(outdated) > 1 else ""
        summary = f"worker {one.id} of {one.node_name} runs other code than is installed on host {one.hostname}{more}"
        advice = f"restart it (TERM to pid {one.pid} there, then start it as before): its jobs go on"
        return degraded("workers", summary, advice, len(alive))
    drained = sum(row.state is WorkerState.DRAINING for row in alive)
    oldest = max(row.lease_age for row in alive)
    note = f", {drained} draining" if drained else ""
    users = sorted({row.jobs_as for row in alive if row.jobs_as not in (None, SUBMITTERS)})
    whose = f"; all jobs run as {', '.join(users)}" if users else ""
    return ok("workers", f"{len(alive)} alive{note}, oldest heartbeat {max(0.0, oldest):.1f} s ago{whose}", len(alive))


def _lost(rows: list[WorkerRow]) -> list[WorkerRow]:
    """The last worker of each node that has lost it; a node given up long ago is not listed."""
    last = [max((row for row in rows if row.node_name == name), key=lambda row: row.id) for name in lost_nodes(rows)]
    return [row for row in last if row.lease_age < GONE_SECONDS or row.running_jobs > 0]


def _anomalies(conn: Connection, settings: Settings) -> Check:
    kinds = Counter(row.kind for row in detect.find(conn, settings, Scanner()))
    if not kinds:
        return ok("anomalies", "none", 0)
    found = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    advice = "look with `jobwarden orphans`, then `jobwarden clean`"
    if set(kinds) <= OF_DEAD_WORKERS and lost_nodes(read_workers(conn)):
        advice = f"{SEE_WORKERS}: a restarted worker takes over what it can; or {advice}"
    return degraded("anomalies", found, advice, kinds.total())


def _queue(conn: Connection, _: Settings) -> Check:
    unstarted = conn.execute(sql.UNSTARTED).one()
    if unstarted.age > LAG_SECONDS:
        return degraded(
            "queue",
            f"{counted(unstarted.jobs, 'granted job')} not started, the oldest for {format_age(unstarted.age)}",
            SEE_WORKERS if lost_nodes(read_workers(conn)) else "see the log of their workers, and check redis",
            unstarted.age,
        )
    waiting = conn.execute(sql.WAITING).one()
    if _twice(lambda: (row := conn.execute(sql.OVERLOOKED).one_or_none()) is not None and row.age > LAG_SECONDS):
        return degraded(
            "queue",
            f"the first of {counted(waiting.jobs, 'pending job')} would fit and is not started",
            "see the log of the worker that schedules",
            waiting.age,
        )
    hopeless = conn.execute(sql.HOPELESS).one()
    if hopeless.jobs:
        return _say_hopeless(conn, hopeless.jobs, hopeless.first)
    oldest = f", the oldest for {format_age(waiting.age)}" if waiting.jobs else ""
    return ok("queue", f"{waiting.jobs} waiting{oldest}", waiting.age)


def _say_hopeless(conn: Connection, jobs: int, first: int) -> Check:
    found = read_jobs(conn, [first])
    why = never_starts(found[0], read_nodes(conn, ())) if found else None
    shown = f"job {first}: {why}" if why else f"the oldest is job {first}"
    return degraded(
        "queue",
        f"{counted(jobs, 'pending job')} can never start ({shown})",
        "cancel the jobs that request too much, or start a worker on a node that has enough",
        float(jobs),
    )


def _twice(bad: Callable[[], bool]) -> bool:
    """Whether something is bad now and still is a moment later."""
    if not bad():
        return False
    time.sleep(SECOND_LOOK_SECONDS)
    return bad()


CHECKS: tuple[tuple[str, CheckFunction], ...] = (
    ("schema", _schema),
    ("clock", _clock),
    ("leader", _leader),
    ("workers", _workers),
    ("anomalies", _anomalies),
    ("queue", _queue),
)
"""Asked one after the other over one connection; what follows a schema of another version is not asked."""

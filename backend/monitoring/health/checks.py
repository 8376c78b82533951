"""All checks at once, in bounded time whatever hangs.

A server may accept a connection and never answer, a network file system may never return: so every part is asked in
a daemon thread of its own, and what has not answered in time is unknown. Nothing is started, mended or written.
"""

import threading
import time
from collections.abc import Callable

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import DatabaseError, Engine
from jobwarden.backend.database.engine import make_engine, unavailable
from jobwarden.backend.embedded import servers
from jobwarden.backend.embedded.ownership import Elsewhere
from jobwarden.backend.errors import JobwardenError
from jobwarden.backend.monitoring.health import database, host, sql
from jobwarden.backend.monitoring.health.records import Check, HealthReport, Status, degraded, ok, unknown

TIMEOUT_SECONDS = 10.0
SLOW_SECONDS = 1.0
"""For a connection and one answer."""

ORDER = ("database", "schema", "clock", "redis", "leader", "workers", "anomalies", "queue", "disk", "logs")


class _Found:
    """What the threads have found so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checks: dict[str, Check] = {}

    def add(self, check: Check) -> None:
        """Note an answer; the first one counts."""
        with self._lock:
            self._checks.setdefault(check.check, check)

    def rest(self, names: tuple[str, ...], summary: str, advice: str) -> None:
        """What was not asked for a reason given elsewhere."""
        for name in names:
            self.add(unknown(name, summary, advice))

    def checks(self, timeout: float) -> tuple[Check, ...]:
        """All checks in their order, unknown where there was no answer."""
        late = f"no answer within {timeout:g} s"
        with self._lock:
            return tuple(self._checks.get(name) or unknown(name, late, ADVICE_WHEN_LATE[name]) for name in ORDER)


_DATABASE_HANGS = "see whether PostgreSQL hangs"
ADVICE_WHEN_LATE = dict.fromkeys(ORDER, _DATABASE_HANGS) | {
    "redis": "see whether Redis hangs",
    "disk": "see whether a network file system hangs",
    "logs": "see whether a network file system hangs",
}


def look(settings: Settings, timeout: float = TIMEOUT_SECONDS) -> HealthReport:
    """Ask everything; returns within ``timeout`` seconds. Raises nothing: what goes wrong is in the checks."""
    found = _Found()
    deadline = time.monotonic() + timeout
    threads = [_started("database", lambda: _ask_database(settings, found, timeout), found)]
    for name, check in host.CHECKS:
        threads.append(_started(name, lambda check=check: found.add(check(settings)), found))  # type: ignore[misc]
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return HealthReport(found.checks(timeout))


def _started(name: str, work: Callable[[], None], found: _Found) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except Exception as exc:  # a check that fails is no reason to hide the others
            line = f"{type(exc).__name__}: {exc}".splitlines()[0][:200]
            found.add(unknown(name, f"the check itself failed: {line}", "report this as a bug"))

    thread = threading.Thread(target=run, name=f"health-{name}", daemon=True)
    thread.start()
    return thread


def _ask_database(settings: Settings, found: _Found, timeout: float) -> None:
    names = tuple(name for name, _ in database.CHECKS)
    try:
        url = _url(settings)
    except Elsewhere as exc:
        found.add(unknown("database", exc.summary, exc.advice))
        found.rest(names, "not asked: no database", "see database")
        return
    except JobwardenError as exc:
        found.add(unknown("database", str(exc), host.START_SERVERS))
        found.rest(names, "not asked: no database", "see database")
        return
    engine = make_engine(url, read_only=True, application_name="jobwarden health", pool_size=1)
    try:
        _ask(engine, settings, found, timeout)
    except DatabaseError as exc:
        advice = "check DATABASE_URL and that server" if settings.database_url else host.START_SERVERS
        found.add(unknown("database", str(unavailable(exc, engine)).partition("; check")[0], advice))
        found.rest(names, "not asked: no database", "see database")
    finally:
        engine.dispose()


def _url(settings: Settings) -> str:
    """Where the database is; an embedded one is not started for being asked.

    Raises JobwardenError when it is down; Elsewhere, which is one, when it may run for others.
    """
    if settings.database_url:
        return settings.database_url
    servers.check_owner(settings)
    [server] = [server for server in servers.status(settings) if server.name == "PostgreSQL"]
    if not server.running:
        raise JobwardenError(f"PostgreSQL of {settings.home} does not run")
    return server.url


def _ask(engine: Engine, settings: Settings, found: _Found, timeout: float) -> None:
    started = time.monotonic()
    with engine.connect().autocommit() as conn:
        conn.execute(sql.BOUND, {"ms": f"{timeout * 1000:.0f}"})
        took = time.monotonic() - started
        slow = took > SLOW_SECONDS
        summary = f"answers in {took * 1000:.0f} ms"
        advice = "see what loads it: pg_stat_activity"
        found.add(degraded("database", summary, advice, took) if slow else ok("database", summary, took))
        for name, check in database.CHECKS:
            result = check(conn, settings)
            found.add(result)
            if name == "schema" and result.status is not Status.OK:
                found.rest(ORDER[2:3] + ORDER[4:8], "not asked: the schema is another", "see schema")
                return

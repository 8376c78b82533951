"""Connections to PostgreSQL, LISTEN as a wake-up, and what the database says as an error of ours."""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2.extensions
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from jobwarden.backend.errors import InputError, JobwardenError, Refused, Unavailable

CONNECT_TIMEOUT_SECONDS = 5
SESSION = {"timezone": "UTC", "default_transaction_isolation": "read\\ committed"}
"""Settings of our sessions; the guards and whoever waits for a lock are written for READ COMMITTED."""


def parse_url(url: str) -> URL:
    """``url`` for psycopg2, whatever driver spelling it came in. Raises InputError when it is no PostgreSQL URL."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InputError("DATABASE_URL is not a URL: write postgresql://user@host:5432/dbname") from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise InputError(f"DATABASE_URL names {parsed.get_backend_name()}: jobwarden needs postgresql://...")
    return parsed.set(drivername="postgresql+psycopg2")


def make_engine(
    url: str, *, read_only: bool = False, application_name: str = "jobwarden", pool_size: int = 5
) -> Engine:
    """A pooled engine; nothing connects until it is used, connection errors surface as OperationalError.

    ``read_only`` makes every transaction read-only in the database itself. What else we rely on is said for each
    session, whatever the role, the database or the environment (PGCLIENTENCODING) have for it. Keepalives notice a
    vanished host in about half a minute instead of two hours.
    """
    settings = {**SESSION, **({"default_transaction_read_only": "on"} if read_only else {})}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    engine = create_engine(
        parse_url(url),
        pool_size=pool_size,
        max_overflow=10,
        connect_args={
            "application_name": application_name,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": options,
            "client_encoding": "utf8",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    )
    event.listen(engine, "connect", _never_idle_too_long)
    event.listen(engine, "checkout", _leave_read_only_to_the_server)
    return engine


def _leave_read_only_to_the_server(connection: Any, record: Any, proxy: Any) -> None:
    """After a read-only transaction SQLAlchemy asks for READ WRITE in every later one, whatever the server wants."""
    if connection.readonly is not None:
        connection.readonly = None


def _never_idle_too_long(connection: Any, record: Any) -> None:
    """Listeners wait and locks are held in sessions that say nothing for long (PostgreSQL 14 has a limit for those)."""
    if connection.server_version >= 140000:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('idle_session_timeout', '0', false)")
        connection.commit()


_REFUSALS = ("JW", "22", "23", "42")


def refused(exc: DBAPIError) -> bool:
    """Whether the server said no to this very statement, so that asking again is of no use.

    Told by the class of the SQLSTATE: one of our guards, data, integrity, syntax or privilege. Anything else is the
    server's condition or the way to it; psycopg2 raises a bare DatabaseError, without any SQLSTATE, when a connection
    breaks in the middle of a statement.
    """
    return not exc.connection_invalidated and str(getattr(exc.orig, "pgcode", None)).startswith(_REFUSALS)


def conflict(exc: DBAPIError) -> bool:
    """Whether the transaction, not the connection, was given up for another's sake (class 40, as deadlocks)."""
    return not exc.connection_invalidated and str(getattr(exc.orig, "pgcode", None)).startswith("40")


def unavailable(exc: DBAPIError, engine: Engine, *, embedded: bool = False) -> Unavailable:
    """The one line for a failed connection: where it went (never the password) and the server's first line.

    ``embedded``: the server is that of the home, so that there is no DATABASE_URL to check.
    """
    lines = [line.strip() for line in str(exc.orig).splitlines() if line.strip()]
    url = engine.url
    where = url.host or url.query.get("host") or "the local socket"
    cause = lines[0].removeprefix("connection to server ") if lines else "no answer"
    advice = "see `jobwarden health`" if embedded else "check DATABASE_URL"
    if cause.endswith(f'role "{url.username}" does not exist'):
        advice = f"in a shared home its owner can admit you with `jobwarden users add {url.username}`"
    return Unavailable(f"database {url.database or ''} at {where} cannot be reached: {cause}; {advice}")


# What the database says, as an error of ours.


def first_line(exc: BaseException) -> str:
    """What the database said of an error, in one line: of an SQLAlchemy error without its statement."""
    said = str(exc.orig if isinstance(exc, DBAPIError) else exc).strip()
    return said.splitlines()[0] if said else type(exc).__name__


def explain(exc: DBAPIError, engine: Engine, *, embedded: bool, lacking: str) -> JobwardenError | None:
    """The error a user should see; None when it is an internal error.

    A lost or refused connection is Unavailable, as are a conflict, a full disk and the like, which pass by; a guard of
    the schema (SQLSTATE class JW) or a missing privilege (42501, told with ``lacking``) is Refused; a value that breaks
    a CHECK is an InputError. ``embedded``: whether the server is that of the home.
    """
    code = getattr(exc.orig, "pgcode", None)
    said = first_line(exc)
    if code is None or code.startswith(("08", "57P")):
        return unavailable(exc, engine, embedded=embedded)
    if code == "42501":
        return Refused(lacking)
    if code == "23514":  # a rule of the schema; the program's own checks come first and say more
        return InputError(f"the database does not take this: {said}")
    if code.startswith("JW") or code == "25006":
        return Refused(said)
    if code.startswith(("40", "53", "57", "58")):  # conflict, no resources, intervention, system error
        return Unavailable(f"the database cannot do that now: {said}")
    return None


# LISTEN as a wake-up: something changed, go and look. Never a carrier of truth.

CHANNEL = "jobwarden"


class Listener:
    """A connection that waits for NOTIFY. Any psycopg2.Error from it means: make a new one."""

    def __init__(self, raw: psycopg2.extensions.connection) -> None:
        self._raw = raw

    def wait(self, timeout: float, wake_fd: int | None = None) -> set[str]:
        """Payloads that arrived within ``timeout`` seconds; empty on time-out or when ``wake_fd`` became readable."""
        fds = [self._raw.fileno()] + ([wake_fd] if wake_fd is not None else [])
        if not self._raw.notifies and not select.select(fds, [], [], timeout)[0]:
            return set()
        self._raw.poll()
        payloads = {notify.payload for notify in self._raw.notifies}
        self._raw.notifies.clear()
        return payloads


@contextmanager
def listening(engine: Engine) -> Iterator[Listener]:
    """Open a connection of its own (autocommit) that listens on the channel; closed on exit."""
    pooled = engine.raw_connection()
    raw = pooled.driver_connection
    assert isinstance(raw, psycopg2.extensions.connection)
    pooled.detach()
    try:
        raw.autocommit = True
        with raw.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        yield Listener(raw)
    finally:
        raw.close()

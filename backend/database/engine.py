"""How we connect to PostgreSQL, the schema it must have, locks, LISTEN, and its errors as errors of ours."""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from jobwarden.backend.database.driver import POOL_SIZE, Connection, DatabaseError, Engine, text
from jobwarden.backend.errors import InputError, JobwardenError, Refused, Unavailable
from jobwarden.backend.files import readable

CONNECT_TIMEOUT_SECONDS = 5
SESSION = {
    "timezone": "UTC",
    "default_transaction_isolation": "read\\ committed",
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Settings of our sessions; the guards and whoever waits for a lock are written for READ COMMITTED. The last four
(seconds, and milliseconds) are for the server's end, which keeps the locks of a host that lost its power until it gives
the connection up: by default after two hours. A connection by a local socket ignores them."""
OUR_END = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 8_000}
"""The same for our end (libpq): else a cut costs twice its time, in which nobody says a word."""


def parse_url(url: str) -> str:
    """``url`` as libpq reads it, whatever driver it was written for. Raises InputError when it is no PostgreSQL URL."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise InputError("DATABASE_URL is not a URL: write postgresql://user@host:5432/dbname")
    if scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise InputError(f"DATABASE_URL names {scheme}: jobwarden needs postgresql://...")
    plain = f"postgresql://{rest}"
    try:
        psycopg2.extensions.parse_dsn(plain)
    except (psycopg2.Error, ValueError) as error:
        said = str(error).strip().partition(": ")[0]  # what follows may be a password
        raise InputError(f"DATABASE_URL cannot be read ({said}): write postgresql://user@host:5432/dbname") from None
    return plain


def make_engine(
    url: str,
    *,
    read_only: bool = False,
    by_key: bool = False,
    application_name: str = "jobwarden",
    pool_size: int = POOL_SIZE,
) -> Engine:
    """A pooled engine; nothing connects until it is used.

    ``read_only`` makes every transaction read-only in the database itself. ``by_key`` is for who asks for rows by their
    keys alone, again and again: a plan that was made while a table was small must not read all of it later. What else
    we rely on is said for each session, whatever the role, the database or the environment (PGCLIENTENCODING) have for
    it. A host that vanished is noticed in some ten seconds, on both ends.
    """
    settings = {
        **SESSION,
        **({"default_transaction_read_only": "on"} if read_only else {}),
        **({"enable_seqscan": "off"} if by_key else {}),
    }
    options = {
        "application_name": application_name,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "client_encoding": "utf8",
        **OUR_END,
    }
    return Engine(parse_url(url), options, pool_size)


_REFUSALS = ("JW", "22", "23", "42")


def refused(exc: DatabaseError) -> bool:
    """Whether the server said no to this very statement, so that asking again is of no use.

    Told by the class of the SQLSTATE: one of our guards, data, integrity, syntax or privilege. Anything else is the
    server's condition or the way to it; psycopg2 raises a bare DatabaseError, without any SQLSTATE, when a connection
    breaks in the middle of a statement.
    """
    return not exc.lost and str(exc.code).startswith(_REFUSALS)


def conflict(exc: DatabaseError) -> bool:
    """Whether the transaction, not the connection, was given up for another's sake (class 40, as deadlocks)."""
    return not exc.lost and str(exc.code).startswith("40")


STARTUP_REFUSED = "unsupported startup parameter"
"""What pgbouncer says to the settings that each of our sessions is made with."""
_OWN_SESSION = text("SELECT pg_backend_pid()")


def refuse_pooler(engine: Engine) -> None:
    """Raise Refused where two connections share a session, or one has several: a pooler in transaction mode. Locks are
    then in the hands of strangers, several workers lead at once, and no notification is heard."""
    with engine.connect().autocommit() as one, engine.connect().autocommit() as other:
        seen = [(one.scalar(_OWN_SESSION), other.scalar(_OWN_SESSION)) for _ in range(3)]
    if len(set(seen)) > 1 or seen[0][0] == seen[0][1]:
        raise Refused(
            "between this worker and PostgreSQL is a connection pooler in transaction mode, which takes locks and"
            " notifications from it: set DATABASE_URL to PostgreSQL itself, or let the pooler work in session mode"
        )


def unavailable(exc: DatabaseError, engine: Engine, *, embedded: bool = False) -> Unavailable:
    """The one line for a failed connection: where it went (never the password) and the server's first line.

    ``embedded``: the server is that of the home, so that there is no DATABASE_URL to check.
    """
    lines = [line.strip() for line in str(exc.orig).splitlines() if line.strip()]
    url = psycopg2.extensions.parse_dsn(engine.url)
    where = url.get("host") or "the local socket"
    cause = lines[0].removeprefix("connection to server ") if lines else "no answer"
    advice = "see `jobwarden health`" if embedded else "check DATABASE_URL"
    if STARTUP_REFUSED in str(exc.orig):
        advice = "that is a connection pooler: set DATABASE_URL to PostgreSQL itself"
    if cause.endswith(f'role "{url.get("user")}" does not exist'):
        advice = f"in a shared home its owner can admit you with `jobwarden users add {url.get('user')}`"
    return Unavailable(f"database {url.get('dbname', '')} at {where} cannot be reached: {cause}; {advice}")


# What the database says, as an error of ours.


def first_line(exc: BaseException) -> str:
    """What the database said of an error, in one line."""
    said = str(exc.orig if isinstance(exc, DatabaseError) else exc).strip()
    return said.splitlines()[0] if said else type(exc).__name__


def explain(exc: DatabaseError, engine: Engine, *, embedded: bool, lacking: str) -> JobwardenError | None:
    """The error a user should see; None when it is an internal error.

    A lost or refused connection is Unavailable, as are a conflict, a full disk and the like, which pass by; a guard of
    the schema (SQLSTATE class JW) or a missing privilege (42501, told with ``lacking``) is Refused; a value that breaks
    a CHECK is an InputError. ``embedded``: whether the server is that of the home.
    """
    code = exc.code
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


# Which schema this program speaks, and the check that the database speaks it too.

SCHEMA_VERSION = "0005"
"""Head of the migrations; named here so that checking needs no Alembic (a test holds the two together)."""


def current_version(conn: Connection) -> str | None:
    """The schema version stamped in the database, None for a database without our tables."""
    if conn.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    version = conn.scalar(text("SELECT version_num FROM alembic_version"))
    return None if version is None else str(version)


def check_schema_path(conn: Connection) -> None:
    """Raise Refused when the login looks for tables in no schema at all, whatever is there."""
    if conn.scalar(text("SELECT current_schema()")) is None:
        user = conn.scalar(text("SELECT current_user"))
        raise Refused(f"search_path names no schema that is there: run ALTER ROLE {user} SET search_path = public")


def check_schema(engine: Engine) -> None:
    """Raise Refused, naming the command, unless the database has exactly this program's schema."""
    with engine.connect() as conn:
        found = current_version(conn)
        if found is None:
            check_schema_path(conn)
    if found == SCHEMA_VERSION:
        return
    if found is None:
        raise Refused("the database has no jobwarden schema: run `jobwarden db upgrade`")
    if found < SCHEMA_VERSION:
        raise Refused(
            f"the database has schema {found}, this program needs {SCHEMA_VERSION}: run `jobwarden db upgrade`"
        )
    raise Refused(f"the database has schema {found}, newer than this program's {SCHEMA_VERSION}: upgrade jobwarden")


# Locks that go with the session that holds them: what each kind means.
#
# Two integers name one, as with PostgreSQL's own advisory locks, and such a lock is behind it; but whose login may not
# hold it neither takes nor keeps it: migrations/sql/0003_locks.sql says how. ``jw_lock_holders(kind)`` lists them.

WORKER_LOCK = 19031
"""Held for life by the liveness connection of worker ``workers.id``: free means that the worker's session ended."""
LEADER_LOCK = 19032
"""Held (second key 0) by the scheduler that allocates, on the very connection it allocates over."""
NODE_LOCK = 19033
"""Held by the one worker that serves the node ``nodes.id``."""
ALLOCATION_LOCK = 19034
"""Held by whoever ends the processes of an allocation (its id, modulo 2**31) on behalf of a dead worker; the one kind
that operators may hold, too."""
HOUSEKEEPING_LOCK = 19035
"""Held by a clean-up: with second key 0 while it archives, with that of its host while it tidies that host."""


def try_session_lock(conn: Connection, kind: int, key: int) -> bool:
    """Take the lock for the life of the session; False when another session holds it.

    Others can take it once the transaction of ``conn``, if there is one, has ended. Raises DatabaseError (JW005, 42501)
    when this login may not hold it.
    """
    return bool(conn.scalar(text("SELECT jw_take_lock(:kind, :key)"), {"kind": kind, "key": key}))


def release_session_lock(conn: Connection, kind: int, key: int) -> None:
    """Give back a lock taken by :func:`try_session_lock` on the same connection, if it is held."""
    conn.execute(text("SELECT jw_release_lock(:kind, :key)"), {"kind": kind, "key": key})


@contextmanager
def locking(engine: Engine) -> Iterator[Connection]:
    """A connection for locks, which are free when this ends: the server may take a moment to notice that a session did.

    It is never given back to the pool: one that lost its locks unnoticed must never seem to hold them.
    """
    with engine.connect().autocommit() as conn:
        try:
            yield conn
        finally:
            with suppress(DatabaseError):  # then they went with the session
                conn.execute(_UNLOCK_ALL)
            conn.invalidate()


_UNLOCK_ALL = text("SELECT pg_advisory_unlock_all()")


def allocation_key(allocation_id: int) -> int:
    """Second key of ALLOCATION_LOCK: ids are bigint, keys are int. A shared key only makes two clean-ups take turns."""
    return allocation_id % 2**31


# LISTEN as a wake-up: something changed, go and look. Never a carrier of truth.

CHANNEL = "jobwarden"
MOST_IN_PAYLOAD = 300
"""Allocation ids in one notification: PostgreSQL takes less than 8,000 bytes."""
LAUNCH = "launch "
"""Beginning of the payload that names allocations to a node; the rest is their ids."""
NOTIFY = text("SELECT pg_notify(:channel, :payload)")


def channel_of(node_name: str) -> str:
    """The channel of one node; names of channels are short, those of nodes need not be."""
    return f"{CHANNEL}_{hashlib.sha256(node_name.encode()).hexdigest()[:16]}"


def notify_launch(conn: Connection, node_name: str, allocation_ids: Sequence[int]) -> None:
    """Have the node told, at the commit, of allocations that wait there for their launch."""
    for first in range(0, len(allocation_ids), MOST_IN_PAYLOAD):
        ids = ",".join(map(str, allocation_ids[first : first + MOST_IN_PAYLOAD]))
        conn.execute(NOTIFY, {"channel": channel_of(node_name), "payload": LAUNCH + ids})


class Listener:
    """A connection that waits for NOTIFY. A DatabaseError from it means: make a new one."""

    def __init__(self, raw: psycopg2.extensions.connection, channels: Iterable[str]) -> None:
        self._raw = raw
        try:
            raw.autocommit = True
            with raw.cursor() as cursor:
                for channel in channels:
                    cursor.execute(f"LISTEN {channel}")
        except psycopg2.Error as exc:
            raise DatabaseError(exc, lost=True) from exc

    def wait(self, timeout: float, wake_fd: int | None = None) -> set[str]:
        """Payloads that arrived within ``timeout`` seconds; empty on time-out or when ``wake_fd`` became readable."""
        fds = [self._raw.fileno()] + ([wake_fd] if wake_fd is not None else [])
        try:
            if not self._raw.notifies and not readable(fds, timeout):
                return set()
            self._raw.poll()
        except psycopg2.Error as exc:
            raise DatabaseError(exc, lost=True) from exc
        payloads = {notify.payload for notify in self._raw.notifies}
        self._raw.notifies.clear()
        return payloads


@contextmanager
def listening(engine: Engine, *channels: str) -> Iterator[Listener]:
    """Open a connection of its own (autocommit) that listens on the channel, and on further ones; closed on exit."""
    raw = engine.open()
    try:
        yield Listener(raw, (CHANNEL, *channels))
    finally:
        raw.close()


class ReadingConnection:
    """The connection of a thread that reads; any other thread may cancel what it asks just now.

    ``statement_timeout`` is what PostgreSQL may take for one question, in its own words (``5s``).
    """

    def __init__(self, statement_timeout: str | None = None) -> None:
        self._timeout = statement_timeout
        self._connection: Connection | None = None

    def leads_to(self, engine: Engine) -> bool:
        """Whether it is open, and to where this engine goes."""
        return self._connection is not None and self._connection.engine is engine

    def to(self, engine: Engine) -> Connection:
        """The connection, made anew when it led elsewhere."""
        if self._connection is None or self._connection.engine is not engine:
            self.hang_up()
            self._connection = engine.connect().autocommit()
            if self._timeout is not None:
                self._connection.execute(text(f"SET statement_timeout = '{self._timeout}'"))
        return self._connection

    def cancel(self) -> None:
        """Stop the query that runs, if one does. From a thread: a server that hangs must not hang the caller."""
        conn = self._connection
        if conn is not None:
            threading.Thread(target=conn.raw.cancel, name="cancel-query", daemon=True).start()

    def hang_up(self) -> None:
        """Close it; what was asked is of no use any more."""
        conn, self._connection = self._connection, None
        if conn is not None:
            conn.invalidate()


def was_cancelled(exc: DatabaseError) -> bool:
    """Whether a question was given up, by us or for the time it took."""
    return isinstance(exc.orig, psycopg2.errors.QueryCanceled)


def lost_link(exc: DatabaseError) -> bool:
    """Whether the way to the database is what failed."""
    return exc.lost or isinstance(exc.orig, psycopg2.OperationalError)

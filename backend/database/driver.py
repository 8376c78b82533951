"""Pooled connections, statements with named parameters, and rows by name: psycopg2 and nothing around it.

Whoever types a verb pays for every module that it loads. SQLAlchemy, of which this is the small part that we use, takes
as long to load as the whole rest of the program; only migrations, which are Alembic's, still bring it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, Self

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from jobwarden.backend.files import readable

POOL_SIZE, OVERFLOW = 5, 10
"""Connections that an engine keeps open while nobody uses them, and how many more it opens at most."""
WAIT_SECONDS = 30.0
"""How long to wait for one of them."""

Parameters = Mapping[str, Any]
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w++)(?!:(?!:))")
_BROKEN = (psycopg2.OperationalError, psycopg2.InterfaceError)


class DatabaseError(Exception):
    """What psycopg2 raised (``orig``); ``lost`` says that the connection went with it."""

    def __init__(self, orig: psycopg2.Error, lost: bool) -> None:
        super().__init__(str(orig).strip() or type(orig).__name__)
        self.orig, self.lost = orig, lost

    @property
    def code(self) -> str | None:
        """The SQLSTATE; None when it was not the server that said no."""
        return getattr(self.orig, "pgcode", None)


class Statement:
    """SQL whose parameters are written ``:name``; ``::`` is PostgreSQL's cast."""

    __slots__ = ("_for_psycopg2", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._for_psycopg2 = _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))

    def __str__(self) -> str:
        return self.sql

    def run(self, cursor: psycopg2.extensions.cursor, values: Parameters | Sequence[Parameters] | None) -> None:
        """Have it run once, or once for each of several sets of values."""
        if values is None or isinstance(values, Mapping):
            cursor.execute(self._for_psycopg2, values or {})
        else:
            cursor.executemany(self._for_psycopg2, values)


def text(sql: str) -> Statement:
    """A statement of this text."""
    return Statement(sql)


class Row(tuple[Any, ...]):
    """One row: a tuple whose values are attributes too, by the names of their columns."""

    __slots__ = ()
    names: ClassVar[tuple[str, ...]] = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def asdict(self) -> dict[str, Any]:
        """The values by their columns."""
        return dict(zip(self.names, self, strict=True))


@lru_cache(maxsize=1024)
def _row_type(names: tuple[str, ...]) -> type[Row]:
    columns = {name: property(itemgetter(place)) for place, name in enumerate(names)}
    return type("Row", (Row,), {**columns, "__slots__": (), "names": names, "asdict": Row.asdict})


def _rows_of(cursor: psycopg2.extensions.cursor, found: Sequence[tuple[Any, ...]]) -> list[Row]:
    make = _row_type(tuple(column.name for column in cursor.description or ()))
    return [make(values) for values in found]


class Result:
    """The rows of a statement, all of them read; ``rowcount`` are those that it found or changed."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Any], rowcount: int) -> None:
        self._rows, self.rowcount = rows, rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        """Every row."""
        return list(self._rows)

    def first(self) -> Any:
        """The first row; None when there is none."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """The only row. Raises LookupError when there is not exactly one."""
        if len(self._rows) != 1:
            raise LookupError(f"{len(self._rows)} rows where there should be one")
        return self._rows[0]

    def one_or_none(self) -> Any:
        """The only row, None when there is none. Raises LookupError when there are several."""
        return self.one() if self._rows else None

    def scalar(self) -> Any:
        """The first value of the first row; None when there is no row."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        """The first value of the only row. Raises LookupError when there is not exactly one."""
        return self.one()[0]

    def mappings(self) -> Result:
        """The rows as dictionaries."""
        return Result([row.asdict() for row in self._rows], self.rowcount)


class Connection:
    """A connection out of the pool of its engine, for one thread at a time.

    A transaction begins with the first statement; what is not committed is rolled back when the connection is closed.
    Every error of psycopg2 becomes a DatabaseError.
    """

    def __init__(self, engine: Engine, raw: psycopg2.extensions.connection, generation: int) -> None:
        self.engine, self.raw, self.closed = engine, raw, False
        self._generation = generation

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def autocommit(self) -> Self:
        """Each statement is a transaction of its own from now on."""
        with self._translated():
            self.raw.autocommit = True
        return self

    def one_moment(self, *, read_only: bool = True) -> Self:
        """All that is read from now on is of one moment."""
        with self._translated():
            self.raw.set_session(isolation_level="REPEATABLE READ", readonly=read_only or None)
        return self

    def execute(self, statement: Statement, values: Parameters | Sequence[Parameters] | None = None) -> Result:
        """Run it; with several sets of values once for each, and no rows come back."""
        try:
            with self.raw.cursor() as cursor:
                statement.run(cursor, values)
                rows = _rows_of(cursor, cursor.fetchall()) if cursor.description else []
                return Result(rows, cursor.rowcount)
        except psycopg2.Error as exc:
            raise self._failed(exc) from exc

    def execute_script(self, sql: str) -> None:
        """Run a text of any number of statements, which has no parameters."""
        with self._translated(), self.raw.cursor() as cursor:
            cursor.execute(sql)

    def scalar(self, statement: Statement, values: Parameters | None = None) -> Any:
        """The first value of the first row; None when there is no row."""
        return self.execute(statement, values).scalar()

    def scalars(self, statement: Statement, values: Parameters | None = None) -> list[Any]:
        """The first value of every row."""
        return [row[0] for row in self.execute(statement, values)]

    def stream(self, statement: Statement, values: Parameters | None = None, together: int = 1000) -> Iterator[Row]:
        """Rows as they are needed, ``together`` of them at a time, so that any number of them fits."""
        with self._translated(), closing(self.raw.cursor("jobwarden_stream")) as cursor:
            statement.run(cursor, values)
            while found := cursor.fetchmany(together):
                yield from _rows_of(cursor, found)

    @contextmanager
    def begin(self) -> Iterator[Self]:
        """A transaction: committed at the end, rolled back after an error."""
        try:
            yield self
        except BaseException:
            self._roll_back()
            raise
        self.commit()

    def commit(self) -> None:
        """Commit."""
        with self._translated():
            self.raw.commit()

    def rollback(self) -> None:
        """Roll back."""
        with self._translated():
            self.raw.rollback()

    def invalidate(self) -> None:
        """Close it for good: what its session holds ends with it."""
        if not self.closed:
            self.closed = True
            self.engine.drop(self.raw)

    def close(self) -> None:
        """Roll back what is open and give it back to the pool; once is enough."""
        if not self.closed:
            self._roll_back()
            self.closed = True
            self.engine.give_back(self.raw, self._generation)

    def _roll_back(self) -> None:
        try:
            self.raw.rollback()
        except psycopg2.Error:
            self.raw.close()  # the server rolls back what nobody is there to commit

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as exc:
            raise self._failed(exc) from exc

    def _failed(self, exc: psycopg2.Error) -> DatabaseError:
        # psycopg2 raises a bare DatabaseError, without any SQLSTATE, when a connection breaks in the middle.
        broken = exc.pgcode is None and (isinstance(exc, _BROKEN) or type(exc) is psycopg2.DatabaseError)
        if broken:
            self.raw.close()
        if self.raw.closed:
            self.engine.forget_idle()
        return DatabaseError(exc, bool(self.raw.closed))


class Engine:
    """Where a database is, with the connections to it that are open; nothing connects until it is used.

    ``url`` is libpq's, ``options`` are what each connection is made with.
    """

    def __init__(self, url: str, options: Mapping[str, Any], pool_size: int = POOL_SIZE) -> None:
        self.url = url
        self._options, self._pool_size = dict(options), pool_size
        self._idle: list[psycopg2.extensions.connection] = []
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(pool_size + OVERFLOW)
        self._generation = 0

    def connect(self) -> Connection:
        """A connection, an idle one if there is one. Raises DatabaseError."""
        if not self._free.acquire(timeout=WAIT_SECONDS):
            raise DatabaseError(psycopg2.OperationalError("all connections of this program are in use"), lost=False)
        try:
            return Connection(self, self._take_idle() or self.open(), self._generation)
        except BaseException:
            self._free.release()
            raise

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A connection with a transaction: committed at the end, rolled back after an error."""
        with self.connect() as conn, conn.begin():
            yield conn

    def open(self) -> psycopg2.extensions.connection:
        """A new connection that is none of the pool's. Raises DatabaseError."""
        try:
            raw: psycopg2.extensions.connection = psycopg2.connect(self.url, **self._options)
            try:
                _never_idle_too_long(raw)
            except BaseException:
                raw.close()
                raise
        except psycopg2.Error as exc:
            raise DatabaseError(exc, lost=True) from exc
        return raw

    def give_back(self, raw: psycopg2.extensions.connection, generation: int) -> None:
        """Take a connection back that is in no transaction; one from before the idle ones were forgotten is closed."""
        try:
            if not raw.closed:
                raw.autocommit = False
                raw.set_session(isolation_level="default", readonly="default")
                with self._lock:
                    if generation == self._generation and len(self._idle) < self._pool_size:
                        self._idle.append(raw)
                        return
            raw.close()
        finally:
            self._free.release()

    def drop(self, raw: psycopg2.extensions.connection) -> None:
        """Close a connection instead of taking it back."""
        raw.close()
        self._free.release()

    def forget_idle(self) -> None:
        """Close what is idle: when one connection was lost, the others probably were."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._generation += 1
        for raw in idle:
            raw.close()

    def dispose(self) -> None:
        """Close what is idle now, and what is in use as soon as it is given back."""
        self.forget_idle()

    def _take_idle(self) -> psycopg2.extensions.connection | None:
        """One that the server has not closed meanwhile: then there would be something to read."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                raw: psycopg2.extensions.connection = self._idle.pop()
            if not raw.closed and not readable([raw.fileno()], 0):
                return raw
            raw.close()


def _never_idle_too_long(raw: psycopg2.extensions.connection) -> None:
    """Listeners wait and locks are held in sessions that say nothing for long (PostgreSQL 14 has a limit for those)."""
    if raw.server_version >= 140000:
        raw.autocommit = True
        with raw.cursor() as cursor:
            cursor.execute("SELECT set_config('idle_session_timeout', '0', false)")
        raw.autocommit = False


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

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
PREPARED_AFTER = 3
"""Runs of a statement in one session after which it is prepared there."""
_STALE = ("0A000", "26000")
"""A plan that no longer fits its tables, or is gone: the session is of no use any more."""

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


class PreparingConnection(psycopg2.extensions.connection):
    """A connection that knows how often each statement ran in it."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.runs: dict[Statement, int] = {}


class Statement:
    """SQL whose parameters are written ``:name``; ``::`` is PostgreSQL's cast.

    One that is ``often`` run is parsed and planned once in a session that runs it again and again.
    """

    __slots__ = ("_execute", "_for_psycopg2", "_prepare", "often", "sql")

    def __init__(self, sql: str, *, often: bool = False) -> None:
        self.sql, self.often = sql, often
        doubled = sql.replace("%", "%%")
        self._for_psycopg2 = _PARAMETER.sub(r"%(\1)s", doubled)
        names = list(dict.fromkeys(_PARAMETER.findall(sql)))
        name = f"jw_{id(self):x}"
        numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql)
        values = ", ".join(f"%({name})s" for name in names)
        self._prepare = f"PREPARE {name} AS {numbered}"
        self._execute = f"EXECUTE {name}({values})" if names else f"EXECUTE {name}"

    def __str__(self) -> str:
        return self.sql

    def run(self, cursor: psycopg2.extensions.cursor, values: Parameters | Sequence[Parameters] | None) -> None:
        """Have it run once, or once for each of several sets of values."""
        if values is None or isinstance(values, Mapping):
            cursor.execute(self._form_for(cursor), values or {})
        else:
            cursor.executemany(self._for_psycopg2, values)

    def _form_for(self, cursor: psycopg2.extensions.cursor) -> str:
        session = cursor.connection
        if not self.often or not isinstance(session, PreparingConnection):
            return self._for_psycopg2
        runs = session.runs.get(self, 0)
        if runs < PREPARED_AFTER:
            session.runs[self] = runs + 1
            return self._for_psycopg2
        if runs == PREPARED_AFTER:
            cursor.execute(self._prepare)
            session.runs[self] = runs + 1  # what is prepared stays so when the transaction is rolled back
        return self._execute


def text(sql: str, *, often: bool = False) -> Statement:
    """A statement of this text."""
    return Statement(sql, often=often)


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
        if broken or exc.pgcode in _STALE:
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
            raw: psycopg2.extensions.connection = psycopg2.connect(
                self.url, connection_factory=PreparingConnection, **self._options
            )
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

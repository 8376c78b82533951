"""What most verbs need: settings, a connection to a database of the right schema, and errors in one line."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import click
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from backend import reserve
from backend.database import explain as database
from backend.database.engine import make_engine
from backend.database.roles import OWNER, SUBMITTER, WORKER, lacking
from backend.database.version import check_schema
from backend.embedded.servers import Urls, attach
from backend.errors import InputError, JobwardenError
from backend.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Session:
    """An open installation."""

    settings: Settings
    urls: Urls
    engine: Engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment and writes nothing."""
        with self.engine.connect() as conn:
            yield conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


@contextmanager
def open_session(settings: Settings | None = None) -> Iterator[Session]:
    """Settings, servers, engine and a schema that fits; database errors inside become one line for the user."""
    settings = settings or load_settings()
    make_room(settings)
    urls = attach(settings)
    engine = make_engine(urls.database_url, application_name="jobwarden cli", pool_size=2)
    try:
        with database_errors(engine, settings):
            check_schema(engine)
            yield Session(settings, urls, engine)
    finally:
        engine.dispose()


def make_room(settings: Settings) -> None:
    """On a full disk give up the room that was held for this: servers and verbs need it now, with or without a worker.

    Where even that cannot be done the verb itself will say what is wrong.
    """
    with suppress(OSError):
        reserve.give_up_when_full(settings)


@contextmanager
def database_errors(engine: Engine, settings: Settings) -> Iterator[None]:
    """Turn what the database says into an error of ours."""
    try:
        yield
    except DBAPIError as exc:
        error = explain(exc, engine, settings)
        if error is None:
            raise
        raise error from exc


def explain(exc: DBAPIError, engine: Engine, settings: Settings) -> JobwardenError | None:
    """The error a user of the command should see; None when it is a mistake of ours.

    A server that cannot be reached at the URL the user gave is bad input (exit 2).
    """
    embedded = settings.database_url is None
    error = database.explain(exc, engine, embedded=embedded, lacking=_lacking(str(exc.orig).partition("\n")[0]))
    code = getattr(exc.orig, "pgcode", None)
    if not embedded and (code is None or code.startswith(("08", "57P"))):
        return InputError(str(error))
    return error


def _lacking(said: str) -> str:
    """What the verb needs, or PostgreSQL's own words where that is not known."""
    context = click.get_current_context(silent=True)
    verb = context.command_path.removeprefix("jobwarden ") if context else ""
    return (
        lacking(_NEEDS[verb], verb) if verb in _NEEDS else lacking("a right it was never granted", f"do that ({said})")
    )


_NEEDS = {
    "submit": SUBMITTER, "worker": WORKER, "cleanup": WORKER, "alerts": WORKER,
    "db upgrade": OWNER, "db roles": f"{OWNER}, who may create roles",
}  # fmt: skip
"""Verb -> the least role, for those that ask nobody first (the others: backend.actions.rights)."""

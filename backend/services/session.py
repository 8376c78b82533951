"""The one way to open an installation: settings, a database of the right schema, and errors in one line."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import click

from jobwarden.backend import disk_reserve
from jobwarden.backend.config.settings import Settings, load_settings
from jobwarden.backend.database import engine as database
from jobwarden.backend.database.driver import Connection, DatabaseError, Engine
from jobwarden.backend.database.engine import check_schema, first_line, make_engine
from jobwarden.backend.database.roles import OWNER, SUBMITTER, WORKER, lacking
from jobwarden.backend.embedded.servers import Urls, attach
from jobwarden.backend.errors import InputError, JobwardenError

CLI = "cli"
"""The program of whoever types a verb."""


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
            yield conn.one_moment()


@contextmanager
def open_session(settings: Settings | None = None, *, program: str = CLI) -> Iterator[Session]:
    """Settings, servers, engine and a schema that fits; database errors inside become one line for the user."""
    settings = settings or load_settings()
    make_room(settings)
    urls = attach(settings)
    with open_engine(urls.database_url, settings, program=program, pool_size=2) as engine:
        check_schema(engine)
        yield Session(settings, urls, engine)


@contextmanager
def open_engine(
    url: str, settings: Settings, *, program: str = CLI, read_only: bool = False, pool_size: int = 1
) -> Iterator[Engine]:
    """An engine for a moment, under the name of a ``program``; database errors inside become one line for the user."""
    engine = make_engine(url, read_only=read_only, application_name=f"jobwarden {program}", pool_size=pool_size)
    try:
        yield engine
    except DatabaseError as exc:
        error = explain(exc, engine, settings, typed=program == CLI)
        if error is None:
            raise
        raise error from exc
    finally:
        engine.dispose()


def make_room(settings: Settings) -> None:
    """On a full disk give up the room that was held for this: servers and verbs need it now, with or without a worker.

    Where even that cannot be done the verb itself will say what is wrong.
    """
    with suppress(OSError):
        disk_reserve.give_up_when_full(settings)


def explain(exc: DatabaseError, engine: Engine, settings: Settings, *, typed: bool = True) -> JobwardenError | None:
    """The error a user should see; None when it is an internal error.

    A server that cannot be reached at the URL that the user of a command gave (``typed``) is bad input (exit 2).
    """
    embedded = settings.database_url is None
    error = database.explain(exc, engine, embedded=embedded, lacking=_lacking(first_line(exc)))
    code = exc.code
    if typed and not embedded and (code is None or code.startswith(("08", "57P"))):
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
    "submit": SUBMITTER, "worker": WORKER, "housekeeping": WORKER, "alerts": WORKER,
    "db upgrade": OWNER, "db roles": f"{OWNER}, who may create roles",
}  # fmt: skip
"""Verb -> the least role, for those that ask nobody first (the others: jobwarden.backend.actions.permissions)."""

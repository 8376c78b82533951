"""The writing side of a screen: plans and performs actions as this user, with errors a person can read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from backend.actions.actor import current_actor
from backend.actions.perform import Context, ItemResult, Plan, perform, plan
from backend.database.engine import make_engine, unavailable
from backend.embedded import servers
from backend.errors import Refused
from backend.settings import Settings


class Operator:
    """Acts in threads, several at a time; each action opens and closes its own connections.

    Every call may take seconds. Raises Unavailable when the database cannot be reached, Refused when it says no.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def plan(self, name: str, ids: Sequence[int]) -> Plan:
        """Find out what an action would do; writes nothing."""
        with self._context() as context:
            return plan(context, name, ids)

    def perform(self, name: str, ids: Sequence[int], reason: str | None) -> list[ItemResult]:
        """Do it; every job is judged again first."""
        with self._context() as context:
            return perform(context, name, ids, reason)

    @contextmanager
    def _context(self) -> Iterator[Context]:
        engine = make_engine(servers.attach(self._settings).database_url, application_name="jobwarden screen")
        try:
            yield Context(engine, self._settings, current_actor())
        except DBAPIError as exc:
            raise _readable(exc, engine) from exc
        finally:
            engine.dispose()


def _readable(exc: DBAPIError, engine: Engine) -> Exception:
    if isinstance(exc, OperationalError):
        return unavailable(exc, engine)
    return Refused(str(exc.orig).strip().partition("\n")[0])

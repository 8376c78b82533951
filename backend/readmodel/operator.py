"""The writing side of a screen: plans and performs actions as this user, with errors a person can read."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from backend.actions.actor import current_actor
from backend.actions.perform import Context, ItemResult, Plan, Progress, perform, plan
from backend.actions.records import Cancelled
from backend.actions.scope import Targets
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

    def plan(self, name: str, targets: Targets) -> Plan:
        """Find out what an action would do; writes nothing. Raises InputError for a wrong filter."""
        with self._context() as context:
            return plan(context, name, targets)

    def perform(
        self,
        name: str,
        targets: Targets,
        reason: str | None,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
        value: int | None = None,
    ) -> list[ItemResult]:
        """Do it; every job is judged again first. ``progress`` and ``cancelled`` are called from this thread."""
        with self._context() as context:
            return perform(context, name, targets, reason, progress=progress, cancelled=cancelled, value=value)

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

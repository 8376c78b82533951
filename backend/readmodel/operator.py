"""The writing side of a screen: plans and performs actions as this user, with errors a person can read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from backend.actions.actor import current_actor
from backend.actions.nodes import NodeResult, set_drain
from backend.actions.perform import Context, ItemResult, Plan, Progress, perform, plan
from backend.actions.records import Cancelled
from backend.actions.scope import Targets
from backend.database.engine import make_engine, unavailable
from backend.embedded import servers
from backend.errors import Refused
from backend.readmodel.records import WorkerRow
from backend.readmodel.workers import read_workers
from backend.settings import Settings


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What must be known of a node before it is drained or resumed; ``said`` is the state of its worker."""

    name: str
    drained: bool
    running_jobs: int
    said: str


class Operator:
    """Acts in threads, several at a time; each action opens and closes its own connections.

    Every call may take seconds. Raises Unavailable when the database cannot be reached, Refused when it says no.
    With ``read_only`` it is the database that says no: every transaction is a read-only one.
    """

    def __init__(self, settings: Settings, read_only: bool = False) -> None:
        self._settings, self._read_only = settings, read_only

    def plan(self, name: str, targets: Targets, force: bool = False) -> Plan:
        """Find out what an action would do; writes nothing. Raises InputError for a wrong filter."""
        with self._context() as context:
            return plan(context, name, targets, force)

    def perform(
        self,
        name: str,
        targets: Targets,
        reason: str | None,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
        value: int | None = None,
        force: bool = False,
    ) -> list[ItemResult]:
        """Do it; every job is judged again first. ``progress`` and ``cancelled`` are called from this thread."""
        with self._context() as context:
            return perform(context, name, targets, reason, force, progress, cancelled=cancelled, value=value)

    def nodes(self, names: Sequence[str]) -> list[NodeFacts]:
        """Look at nodes by name; those that do not exist are missing."""
        with self._context() as context, context.engine.connect() as conn:
            newest: dict[str, WorkerRow] = {}
            for worker in read_workers(conn):
                newest.setdefault(worker.node_name, worker)
        found = (newest[name] for name in names if name in newest)
        return [NodeFacts(w.node_name, w.drained, w.running_jobs, w.state) for w in found]

    def set_drain(self, name: str, drained: bool, reason: str | None) -> NodeResult:
        """Drain a node or resume it. Raises InputError when there is no such node."""
        with self._context() as context:
            return set_drain(context.engine, name, drained, context.actor, reason)

    @contextmanager
    def _context(self) -> Iterator[Context]:
        url = servers.attach(self._settings).database_url
        engine = make_engine(url, read_only=self._read_only, application_name="jobwarden screen")
        try:
            yield Context(engine, self._settings, current_actor())
        except DBAPIError as exc:
            raise _readable(exc, engine, embedded=self._settings.database_url is None) from exc
        finally:
            engine.dispose()


def _readable(exc: DBAPIError, engine: Engine, *, embedded: bool) -> Exception:
    if isinstance(exc, OperationalError):
        return unavailable(exc, engine, embedded=embedded)
    return Refused(str(exc.orig).strip().partition("\n")[0])

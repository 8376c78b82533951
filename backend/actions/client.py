"""The writing side of a screen: plans and performs actions as this user, with errors a person can read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from jobwarden.backend.actions.nodes import NodeResult, set_drain
from jobwarden.backend.actions.results import Cancelled, Context, ItemResult, Plan, Progress, current_actor
from jobwarden.backend.actions.run import perform, plan
from jobwarden.backend.actions.targets import ActionRequest
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded import servers
from jobwarden.backend.queries.models.jobs import WorkerRow
from jobwarden.backend.queries.workers import read_workers
from jobwarden.backend.services.session import open_engine


@dataclass(frozen=True, slots=True)
class NodeSummary:
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

    def plan(self, request: ActionRequest) -> Plan:
        """Find out what an action would do; writes nothing. Raises InputError for a wrong filter."""
        with self._context() as context:
            return plan(context, request)

    def perform(
        self, request: ActionRequest, progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> list[ItemResult]:
        """Do it; every job is judged again first. ``progress`` and ``cancelled`` are called from this thread."""
        with self._context() as context:
            return perform(context, request, progress, cancelled)

    def nodes(self, names: Sequence[str]) -> list[NodeSummary]:
        """Look at nodes by name; those that do not exist are missing."""
        with self._context() as context, context.engine.connect() as conn:
            newest: dict[str, WorkerRow] = {}
            for worker in read_workers(conn):
                newest.setdefault(worker.node_name, worker)
        found = (newest[name] for name in names if name in newest)
        return [NodeSummary(w.node_name, w.drained, w.running_jobs, w.state) for w in found]

    def set_drain(self, name: str, drained: bool, reason: str | None) -> NodeResult:
        """Drain a node or resume it. Raises InputError when there is no such node."""
        with self._context() as context:
            return set_drain(context.engine, name, drained, context.actor, reason)

    @contextmanager
    def _context(self) -> Iterator[Context]:
        url = servers.attach(self._settings).database_url
        with open_engine(url, self._settings, program="screen", read_only=self._read_only, pool_size=5) as engine:
            yield Context(engine, self._settings, current_actor())

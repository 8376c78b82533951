"""Reading and acting, loaded behind the first picture: database drivers take half as long to load as all the rest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from backend.actions.scope import Scope
from backend.domain.filters import parse_filter
from backend.readmodel.hold import Hold
from backend.readmodel.order import NEWEST, Order
from backend.readmodel.records import JobRow
from backend.readmodel.wanted import Wanted
from backend.settings import Settings
from tui.source import Source

if TYPE_CHECKING:
    from backend.actions.nodes import NodeResult
    from backend.actions.records import Cancelled, ItemResult, Plan, Progress
    from backend.readmodel.operator import NodeFacts, Operator

Request = Callable[[Source], None]


class LateSource:
    """Stands in for a source until ``make`` has made it; what is asked of it meanwhile is asked again then.

    ``afterwards`` is called in its thread, once the source has started.
    """

    def __init__(self, make: Callable[[], Source], afterwards: Callable[[], None] = lambda: None) -> None:
        self._make, self._afterwards = make, afterwards
        self._lock = threading.Lock()
        self._source: Source | None = None
        self._asked: list[Request] = []
        self._stopped = False
        self._thread = threading.Thread(target=self._load, name="loader", daemon=True)

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the source; one that is being loaded is stopped before it starts."""
        with self._lock:
            self._stopped = True
            source = self._source
        if source is not None:
            source.stop()

    def show(self, filter_text: str, order: Order = NEWEST) -> None:
        """List the jobs that match. Raises InputError at once."""
        parse_filter(filter_text)
        self._ask(lambda source: source.show(filter_text, order))

    def hold(self, hold: Hold) -> None:
        """Hold back changes of the list, or let them come."""
        self._ask(lambda source: source.hold(hold))

    def words(self) -> None:
        """Ask for the words of a filter."""
        self._ask(lambda source: source.words())

    def look(self, first: int, last: int) -> None:
        """Say which lines are on the screen."""
        self._ask(lambda source: source.look(first, last))

    def watch(self, job_id: int | None) -> None:
        """Watch a job."""
        self._ask(lambda source: source.watch(job_id))

    def follow(self, job: JobRow | None) -> None:
        """Follow the log of a job."""
        self._ask(lambda source: source.follow(job))

    def want(self, wanted: Sequence[Wanted]) -> None:
        """Want more read."""
        self._ask(lambda source: source.want(wanted))

    def _ask(self, request: Request) -> None:
        with self._lock:
            if self._source is None:
                self._asked.append(request)
                return
        request(self._source)

    def _load(self) -> None:
        source = self._make()
        with self._lock:
            if self._stopped:
                return
            for request in self._asked:
                request(source)
            self._source = source
            source.start()
        self._afterwards()


class LateDeeds:
    """Stands in for an operator, who is loaded when he is first needed; every call comes from a thread."""

    def __init__(self, settings: Settings, read_only: bool = False) -> None:
        self._settings, self._read_only = settings, read_only

    @cached_property
    def _operator(self) -> Operator:
        from backend.readmodel.operator import Operator

        return Operator(self._settings, self._read_only)

    def plan(self, name: str, targets: Scope, force: bool = False) -> Plan:
        """Find out what an action would do."""
        return self._operator.plan(name, targets, force)

    def perform(
        self,
        name: str,
        targets: Scope,
        reason: str | None,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
        value: int | None = None,
        force: bool = False,
    ) -> list[ItemResult]:
        """Do it."""
        return self._operator.perform(name, targets, reason, progress, cancelled, value, force)

    def nodes(self, names: Sequence[str]) -> list[NodeFacts]:
        """Look at nodes."""
        return self._operator.nodes(names)

    def set_drain(self, name: str, drained: bool, reason: str | None) -> NodeResult:
        """Drain a node or resume it."""
        return self._operator.set_drain(name, drained, reason)

"""Feeds and actions, loaded behind the first picture: database drivers take half as long to load as all the rest."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from jobwarden.backend.actions.targets import ActionRequest
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.domain.filters.jobs import parse_filter
from jobwarden.backend.queries.models.job_window import Hold
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.backend.queries.models.pages import Wanted
from jobwarden.backend.queries.models.sort import NEWEST, Order
from jobwarden.tui.client.interfaces import Source

if TYPE_CHECKING:
    from jobwarden.backend.actions.client import NodeSummary, Operator
    from jobwarden.backend.actions.nodes import NodeResult
    from jobwarden.backend.actions.results import Cancelled, ItemResult, Plan, Progress

SourceRequest = Callable[[Source], None]


class LazySource:
    """Stands in for a source until ``make`` has made it; what is asked of it meanwhile is asked again then.

    ``afterwards`` is called in its thread, once the source has started.
    """

    def __init__(self, make: Callable[[], Source], afterwards: Callable[[], None] = lambda: None) -> None:
        self._make, self._afterwards = make, afterwards
        self._lock = threading.Lock()
        self._source: Source | None = None
        self._asked: list[SourceRequest] = []
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

    def _ask(self, request: SourceRequest) -> None:
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


class LazyActionClient:
    """Stands in for an operator, who is loaded when he is first needed; every call comes from a thread."""

    def __init__(self, settings: Settings, read_only: bool = False) -> None:
        self._settings, self._read_only = settings, read_only

    @cached_property
    def _operator(self) -> Operator:
        from jobwarden.backend.actions.client import Operator

        return Operator(self._settings, self._read_only)

    def plan(self, request: ActionRequest) -> Plan:
        """Find out what an action would do."""
        return self._operator.plan(request)

    def perform(
        self, request: ActionRequest, progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> list[ItemResult]:
        """Do it."""
        return self._operator.perform(request, progress, cancelled)

    def nodes(self, names: Sequence[str]) -> list[NodeSummary]:
        """Look at nodes."""
        return self._operator.nodes(names)

    def set_drain(self, name: str, drained: bool, reason: str | None) -> NodeResult:
        """Drain a node or resume it."""
        return self._operator.set_drain(name, drained, reason)


# What the dashboard needs only later, loaded behind its first pictures: a program that is replaced under it, or moved
# away, must have left nothing to load.

REST = (
    "jobwarden.tui.columns.lists", "jobwarden.tui.dialogs.saved_views", "jobwarden.tui.screens.job",
    "jobwarden.backend.feeds.snapshot", "jobwarden.backend.queries.export", "jobwarden.backend.feeds.export_file",
    "jobwarden.backend.actions.client", "jobwarden.backend.queue.doorbell",
)  # fmt: skip
"""Modules that are imported inside of functions, here or in the read model, so that the first picture need not wait for
them. Their names alone: what the read model uses stays its own affair."""


def load_rest() -> None:
    """Load them all."""
    with contextlib.suppress(ImportError):  # replaced already: who needs the module says so
        for name in REST:
            import_module(name)

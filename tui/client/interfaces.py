"""What the screen needs of the backend: a source of news, and a client for actions. Tests give something simpler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries.models.job_window import Hold
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.backend.queries.models.pages import Wanted
from jobwarden.backend.queries.models.sort import NEWEST, Order

if TYPE_CHECKING:
    from jobwarden.backend.actions.client import NodeSummary
    from jobwarden.backend.actions.nodes import NodeResult
    from jobwarden.backend.actions.results import Cancelled, ItemResult, Plan, Progress
    from jobwarden.backend.actions.targets import ActionRequest


class Source(Protocol):
    """Delivers news from its own threads; every request returns at once."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def show(self, filter_text: str, order: Order = NEWEST) -> None: ...
    def hold(self, hold: Hold) -> None: ...
    def words(self) -> None: ...
    def look(self, first: int, last: int) -> None: ...
    def watch(self, job_id: int | None) -> None: ...
    def follow(self, job: JobRow | None) -> None: ...
    def want(self, wanted: Sequence[Wanted]) -> None: ...


Deliver = Callable[[News], None]
MakeSource = Callable[[Deliver], Source]


# The operator's actions as the screen uses them: planned and performed in a thread, never by a widget.


class ActionClient(Protocol):
    """Plans without writing, performs with a reason. Every call may take seconds."""

    def plan(self, request: ActionRequest) -> Plan: ...
    def perform(
        self, request: ActionRequest, progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> Sequence[ItemResult]: ...
    def nodes(self, names: Sequence[str]) -> Sequence[NodeSummary]: ...
    def set_drain(self, name: str, drained: bool, reason: str | None) -> NodeResult: ...

"""The operator's actions as the screen uses them: planned and performed in a thread, never by a widget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from backend.actions.nodes import NodeResult
    from backend.actions.records import Cancelled, ItemResult, Plan, Progress
    from backend.actions.scope import Scope
    from backend.readmodel.operator import NodeFacts

__all__ = ["Deeds", "NodeFacts"]


class Deeds(Protocol):
    """Plans without writing, performs with a reason. Every call may take seconds."""

    def plan(self, name: str, targets: Scope, force: bool = False) -> Plan: ...
    def perform(
        self,
        name: str,
        targets: Scope,
        reason: str | None,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
        value: int | None = None,
        force: bool = False,
    ) -> Sequence[ItemResult]: ...
    def nodes(self, names: Sequence[str]) -> Sequence[NodeFacts]: ...
    def set_drain(self, name: str, drained: bool, reason: str | None) -> NodeResult: ...

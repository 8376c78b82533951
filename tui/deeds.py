"""The operator's actions as the screen uses them: planned and performed in a thread, never by a widget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.actions.perform import ItemResult, Plan


@dataclass(frozen=True, slots=True)
class Deed:
    """An action on pinned jobs: what was selected when its key was pressed, whatever is selected later."""

    name: str
    ids: tuple[int, ...]


class Deeds(Protocol):
    """Plans without writing, performs with a reason. Both may take seconds."""

    def plan(self, name: str, ids: Sequence[int]) -> Plan: ...
    def perform(self, name: str, ids: Sequence[int], reason: str | None) -> Sequence[ItemResult]: ...

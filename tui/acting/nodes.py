"""Drain and resume, on nodes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from backend.actions.records import Progress, Step
from tui.acting.records import Answer, Doing, Item, Outcome, Question, Report
from tui.deeds import Deeds

if TYPE_CHECKING:
    from backend.actions.nodes import NodeResult

HAPPENS = {"drain": "no new jobs start, those that run go on", "resume": "takes jobs again"}
"""The two actions on nodes, and what each does."""


@dataclass(frozen=True, slots=True)
class NodeDeed:
    """Drain or resume of nodes by name."""

    name: str
    nodes: tuple[str, ...]

    @property
    def label(self) -> str:
        """The action in words."""
        return self.name

    def ask(self, deeds: Deeds) -> tuple[Question, "NodeDeed"]:
        """Look which nodes it would change."""
        items, left = [], []
        for facts in deeds.nodes(self.nodes):
            if facts.drained == (self.name == "drain"):
                left.append((facts.name, f"is {'drained' if facts.drained else 'taking jobs'} already: nothing to do"))
                continue
            jobs = f"{facts.running_jobs} job{'s' if facts.running_jobs != 1 else ''} running"
            items.append(Item(facts.name, facts.said, jobs, "", HAPPENS[self.name]))
        known = {item.key for item in items} | {name for name, _ in left}
        left += [(name, "does not exist any more") for name in self.nodes if name not in known]
        pinned = replace(self, nodes=tuple(item.key for item in items))
        return Question(self.label, "node", tuple(items), tuple(left)), pinned

    def do(self, deeds: Deeds, answer: Answer, progress: Progress, cancelled: Callable[[], bool]) -> Report:
        """Do it node by node."""
        results: list[NodeResult] = []
        for name in self.nodes:
            if cancelled():
                break
            results.append(deeds.set_drain(name, self.name == "drain", answer.reason or None))
            progress(Step(len(results), len(self.nodes), None, results[-1].message))
        outcomes = [Outcome(result.node_name, True, result.changed, _without_name(result)) for result in results]
        done = {result.node_name for result in results}
        outcomes += [Outcome(name, False, False, "was left undone") for name in self.nodes if name not in done]
        return Report(self.label, "node", tuple(outcomes), tuple(_undo(result) for result in results if result.changed))


def _without_name(result: "NodeResult") -> str:
    return result.message.removeprefix(f"node {result.node_name} ")


def _undo(result: "NodeResult") -> Doing:
    back = "drain" if result.was_drained else "resume"
    return Doing(NodeDeed(back, (result.node_name,)), Answer(result.old_reason or ""))

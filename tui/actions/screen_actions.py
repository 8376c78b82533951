"""Actions as screens offer them: on jobs, from the catalog of actions, and drain and resume on nodes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jobwarden.backend.actions.catalog import ACTIONS
from jobwarden.backend.actions.results import ItemResult, Progress, Step, Undo, Victim
from jobwarden.backend.actions.targets import ActionRequest, Scope
from jobwarden.backend.domain.units import counted
from jobwarden.tui.actions.model import ActionReport, Answer, Item, ItemOutcome, Question, ReadyAction
from jobwarden.tui.client.interfaces import ActionClient
from jobwarden.tui.text import shown_command

if TYPE_CHECKING:
    from jobwarden.backend.actions.nodes import NodeResult


FORCE = "force"
"""Typed before anything is done against the evidence."""


@dataclass(frozen=True, slots=True)
class JobAction:
    """One action of the table on jobs by number, or on all that match a filter."""

    name: str
    scope: Scope
    force: bool = False

    @property
    def label(self) -> str:
        """The action in words."""
        return f"{FORCE} {ACTIONS[self.name].label}" if self.force else ACTIONS[self.name].label

    def ask(self, client: ActionClient) -> tuple[Question, "JobAction"]:
        """Plan it."""
        plan = client.plan(ActionRequest(self.name, self.scope, force=self.force))
        items = tuple(_item(victim) for victim in plan.eligible)
        left = tuple((str(job_id), reason) for job_id, reason in plan.ineligible)
        forced = None
        if plan.protected and ACTIONS[self.name].forcible:
            forced = replace(self, scope=self.scope.pinned((*plan.ids, *plan.protected)), force=True)
        takes = self.label if ACTIONS[self.name].takes else ""
        word = FORCE if self.force else ""
        question = Question(self.label, "job", items, left, takes, word, forced, tuple(plan.instead))
        return question, replace(self, scope=self.scope.pinned(plan.ids))

    def do(
        self, client: ActionClient, answer: Answer, progress: Progress, cancelled: Callable[[], bool]
    ) -> ActionReport:
        """Perform it."""
        request = ActionRequest(self.name, self.scope, answer.reason or None, self.force, answer.value)
        results = client.perform(request, progress, cancelled)
        outcomes = tuple(ItemOutcome(str(r.job_id), r.ok, r.changed, r.message) for r in results)
        return ActionReport(self.label, "job", outcomes, tuple(_undo(results, self.label)))


def _item(victim: Victim) -> Item:
    where = f"on {victim.node}" if victim.node else ""
    command = shown_command(victim.cmdline) if victim.cmdline else ""
    said = "  ".join(part for part in (where, victim.named) if part)
    return Item(str(victim.job_id), victim.name, said, command, victim.what_happens)


def _undo(results: Iterable[ItemResult], label: str) -> Iterable[ReadyAction]:
    """One action for all jobs that the same action with the same number takes back."""
    groups: dict[Undo, list[int]] = {}
    for result in results:
        if result.undo is not None:
            groups.setdefault(result.undo, []).append(result.job_id)
    for undo, ids in groups.items():
        yield ReadyAction(JobAction(undo.action, Scope(tuple(ids))), Answer(f"undo of {label}", undo.value))


# Drain and resume, on nodes.

HAPPENS = {"drain": "no new jobs start, running jobs go on", "resume": "takes jobs again"}
"""The two actions on nodes, and what each does."""


@dataclass(frozen=True, slots=True)
class NodeAction:
    """Drain or resume of nodes by name."""

    name: str
    nodes: tuple[str, ...]

    @property
    def label(self) -> str:
        """The action in words."""
        return self.name

    def ask(self, client: ActionClient) -> tuple[Question, "NodeAction"]:
        """Look which nodes it would change."""
        items, left = [], []
        for facts in client.nodes(self.nodes):
            if facts.drained == (self.name == "drain"):
                left.append((facts.name, f"is {'drained' if facts.drained else 'taking jobs'} already: nothing to do"))
                continue
            jobs = f"{counted(facts.running_jobs, 'job')} running"
            items.append(Item(facts.name, facts.said, jobs, "", HAPPENS[self.name]))
        known = {item.key for item in items} | {name for name, _ in left}
        left += [(name, "no longer exists") for name in self.nodes if name not in known]
        pinned = replace(self, nodes=tuple(item.key for item in items))
        return Question(self.label, "node", tuple(items), tuple(left)), pinned

    def do(
        self, client: ActionClient, answer: Answer, progress: Progress, cancelled: Callable[[], bool]
    ) -> ActionReport:
        """Do it node by node."""
        results: list[NodeResult] = []
        for name in self.nodes:
            if cancelled():
                break
            results.append(client.set_drain(name, self.name == "drain", answer.reason or None))
            progress(Step(len(results), len(self.nodes), None, results[-1].message))
        outcomes = [ItemOutcome(result.node_name, True, result.changed, _without_name(result)) for result in results]
        done = {result.node_name for result in results}
        outcomes += [ItemOutcome(name, False, False, "was not done") for name in self.nodes if name not in done]
        return ActionReport(
            self.label, "node", tuple(outcomes), tuple(_undo_node(result) for result in results if result.changed)
        )


def _without_name(result: "NodeResult") -> str:
    return result.message.removeprefix(f"node {result.node_name} ")


def _undo_node(result: "NodeResult") -> ReadyAction:
    back = "drain" if result.was_drained else "resume"
    return ReadyAction(NodeAction(back, (result.node_name,)), Answer(result.old_reason or ""))

"""Actions on jobs, from the table of actions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from backend.actions.records import ItemResult, Progress, Undo, Victim
from backend.actions.scope import Scope
from backend.actions.table import ACTIONS
from tui.acting.records import Answer, Doing, Item, Outcome, Question, Report
from tui.commands import shown_command
from tui.deeds import Deeds

FORCE = "force"
"""Typed before anything is done against the evidence."""


@dataclass(frozen=True, slots=True)
class JobDeed:
    """One action of the table on jobs by number, or on all that match a filter."""

    name: str
    scope: Scope
    force: bool = False

    @property
    def label(self) -> str:
        """The action in words."""
        return f"{FORCE} {ACTIONS[self.name].label}" if self.force else ACTIONS[self.name].label

    def ask(self, deeds: Deeds) -> tuple[Question, "JobDeed"]:
        """Plan it."""
        plan = deeds.plan(self.name, self.scope, self.force)
        items = tuple(_item(victim) for victim in plan.eligible)
        left = tuple((str(job_id), reason) for job_id, reason in plan.ineligible)
        forced = None
        if plan.protected and ACTIONS[self.name].forcible:
            forced = replace(self, scope=self.scope.pinned((*plan.ids, *plan.protected)), force=True)
        takes = self.label if ACTIONS[self.name].takes else ""
        word = FORCE if self.force else ""
        question = Question(self.label, "job", items, left, takes, word, forced, tuple(plan.instead))
        return question, replace(self, scope=self.scope.pinned(plan.ids))

    def do(self, deeds: Deeds, answer: Answer, progress: Progress, cancelled: Callable[[], bool]) -> Report:
        """Perform it."""
        reason = answer.reason or None
        results = deeds.perform(self.name, self.scope, reason, progress, cancelled, answer.value, self.force)
        outcomes = tuple(Outcome(str(r.job_id), r.ok, r.changed, r.message) for r in results)
        return Report(self.label, "job", outcomes, tuple(_undo(results, self.label)))


def _item(victim: Victim) -> Item:
    where = f"on {victim.node}" if victim.node else ""
    command = shown_command(victim.cmdline) if victim.cmdline else ""
    said = "  ".join(part for part in (where, victim.named) if part)
    return Item(str(victim.job_id), victim.name, said, command, victim.what_happens)


def _undo(results: Iterable[ItemResult], label: str) -> Iterable[Doing]:
    """One deed for all jobs that the same action with the same number takes back."""
    groups: dict[Undo, list[int]] = {}
    for result in results:
        if result.undo is not None:
            groups.setdefault(result.undo, []).append(result.job_id)
    for undo, ids in groups.items():
        yield Doing(JobDeed(undo.action, Scope(tuple(ids))), Answer(f"undo of {label}", undo.value))

"""Actions by their names and the ids of jobs, as most tests want them."""

from __future__ import annotations

from collections.abc import Sequence

from jobwarden.backend.actions import run
from jobwarden.backend.actions.results import Cancelled, Context, ItemResult, Plan, Progress
from jobwarden.backend.actions.targets import ActionRequest, Scope

Targets = Scope | Sequence[int]


def plan(ctx: Context, name: str, targets: Targets, force: bool = False) -> Plan:
    """What the action would do."""
    return run.plan(ctx, ActionRequest(name, _scope(targets), force=force))


def perform(
    ctx: Context, name: str, targets: Targets, reason: str | None = None, force: bool = False,
    progress: Progress | None = None, *, cancelled: Cancelled | None = None, value: int | None = None,
) -> list[ItemResult]:  # fmt: skip
    """Do it."""
    return run.perform(ctx, ActionRequest(name, _scope(targets), reason, force, value), progress, cancelled)


def _scope(targets: Targets) -> Scope:
    return targets if isinstance(targets, Scope) else Scope(tuple(targets))

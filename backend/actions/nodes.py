"""Drain and resume: what is done to a node rather than to a job."""

import difflib
from dataclasses import dataclass

from jobwarden.backend.actions.permissions import may_act_on_all
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.domain.request import check_reason
from jobwarden.backend.domain.units import shorten
from jobwarden.backend.errors import InputError
from jobwarden.backend.state import machine


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What became of a node. ``was_drained`` and ``old_reason`` are what it was before: set that to take it back."""

    node_name: str
    changed: bool
    message: str
    was_drained: bool
    old_reason: str | None = None


def set_drain(engine: Engine, name: str, drained: bool, actor: str, reason: str | None) -> NodeResult:
    """Drain the node or resume it. InputError when there is no such node, Refused when this user may not."""
    check_reason(reason)
    with engine.begin() as conn:
        names = list(conn.scalars(text("SELECT name FROM nodes ORDER BY name")))
        if name not in names:
            raise InputError(f"there is no node {shorten(name)}{_hint(name, names)}")
        may_act_on_all(conn, "drain" if drained else "resume")
        replaced = machine.set_drain(conn, name, drained, actor, reason)
    if replaced is None:
        already = f"node {name} {'is drained' if drained else 'takes jobs'} already: nothing to do"
        return NodeResult(name, False, already, drained)
    why = f" (it was drained: {replaced.value})" if replaced.value else ""
    now = "drained: running jobs go on, no new ones start" if drained else f"takes jobs again{why}"
    return NodeResult(name, True, f"node {name} {now}", not drained, replaced.value)


def _hint(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f": did you mean {near[0]}?" if near else ""

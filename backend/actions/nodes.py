"""Drain and resume: what is done to a node rather than to a job."""

import difflib

from sqlalchemy import Engine, text

from backend.domain.units import shorten
from backend.errors import InputError
from backend.state import machine


def set_drain(engine: Engine, name: str, drained: bool, actor: str, reason: str | None) -> str:
    """Drain the node or resume it; the line that says what happened. InputError when there is no such node."""
    with engine.begin() as conn:
        names = list(conn.scalars(text("SELECT name FROM nodes ORDER BY name")))
        if name not in names:
            raise InputError(f"there is no node {shorten(name)}{_hint(name, names)}")
        changed = machine.set_drain(conn, name, drained, actor, reason)
    if not changed:
        return f"node {name} {'is drained' if drained else 'takes jobs'} already: nothing to do"
    return f"node {name} {'drained: running jobs go on, no new ones start' if drained else 'takes jobs again'}"


def _hint(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f": did you mean {near[0]}?" if near else ""

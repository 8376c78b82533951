"""Why the PENDING jobs of a list wait, in the few words that fit into a column."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from backend.domain.pending import NodeFacts, why_pending
from backend.domain.states import JobState
from backend.readmodel.lists import Window
from backend.readmodel.records import JobRow

_PREFIX = "waiting: "


def why_waiting(window: Window, nodes: Sequence[NodeFacts]) -> Window:
    """Return the window with the reason of every PENDING job; jobs that ask for the same wait for the same."""
    asked = {row.id: _asked(row) for row in window.rows if row.state is JobState.PENDING}
    reasons = {one: why_pending(one, nodes).removeprefix(_PREFIX) for one in set(asked.values())}
    waiting = {job_id: reasons[one] for job_id, one in asked.items()}
    return window if waiting == window.waiting else replace(window, waiting=waiting)


class _Asked(NamedTuple):
    """What a job waits for."""

    partition: str
    cpus: int
    memory_mb: int
    gpus: int
    held: bool


def _asked(row: JobRow) -> _Asked:
    return _Asked(row.partition, row.cpus, row.memory_mb, row.gpus, row.held)

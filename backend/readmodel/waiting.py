"""Why the PENDING jobs of a list wait, in the few words that fit into a column."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from backend.domain.pending import NodeFacts, Wanted, why_pending
from backend.domain.states import JobState
from backend.readmodel.lists import Window

_PREFIX = "waiting: "


class Asked(NamedTuple):
    """What a job waits for; memory in MiB."""

    partition: str
    cpus: int
    memory_mb: int
    gpus: int
    held: bool


class Reasons:
    """Why jobs wait for these nodes, found once for all that ask for the same."""

    def __init__(self, nodes: Sequence[NodeFacts]) -> None:
        self._nodes = nodes
        self._found: dict[Asked, str] = {}

    def of(self, job: Wanted) -> str:
        """Return the reason without the word waiting, and without the jobs ahead, which differ from job to job."""
        asked = Asked(job.partition, job.cpus, job.memory_mb, job.gpus, job.held)
        if asked not in self._found:
            self._found[asked] = why_pending(asked, self._nodes).removeprefix(_PREFIX)
        return self._found[asked]


def why_waiting(window: Window, nodes: Sequence[NodeFacts]) -> Window:
    """Return the window with the reason of every PENDING job."""
    reasons = Reasons(nodes)
    waiting = {row.id: reasons.of(row) for row in window.rows if row.state is JobState.PENDING}
    return window if waiting == window.waiting else replace(window, waiting=waiting)

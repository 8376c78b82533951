"""Nodes of this machine that jobs run on while no worker cares for them: what ``up`` and ``down`` tell of."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from backend.domain.states import WorkerState
from backend.process.identity import ran_here
from backend.readmodel.records import WorkerRow
from backend.readmodel.workers import read_workers

_RUNNING = text("""
    SELECT node_name, count(*) FROM jobs WHERE state = 'RUNNING' AND node_name IS NOT NULL GROUP BY 1 ORDER BY 1
""")


def abandoned_nodes(conn: Connection) -> dict[str, int]:
    """How many jobs run on each node of this machine that has no live worker."""
    ours = _without_worker(read_workers(conn))
    return {name: jobs for name, jobs in conn.execute(_RUNNING) if name in ours}


def told(abandoned: dict[str, int], own_node: str) -> list[str]:
    """A line for each, with what takes its jobs over again."""
    lines = []
    for name, jobs in abandoned.items():
        how = "the next `jobwarden up`" if name == own_node else f"`jobwarden worker --node {name}`"
        what, go = ("jobs", "go") if jobs > 1 else ("job", "goes")
        lines.append(f"{jobs} {what} of node {name} {go} on: {how} takes over")
    return lines


def _without_worker(workers: Iterable[WorkerRow]) -> set[str]:
    served: set[str] = set()
    seen: set[str] = set()
    for worker in workers:
        if worker.state is not WorkerState.DEAD:
            served.add(worker.node_name)
        if ran_here(machine_id=worker.machine_id, boot_id=worker.boot_id, hostname=worker.hostname):
            seen.add(worker.node_name)
    return seen - served

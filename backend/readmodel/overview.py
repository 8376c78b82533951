"""Reads what the nodes have, for the header."""

from collections.abc import Sequence

from sqlalchemy import Connection

from backend.database.locks import LEADER_LOCK
from backend.domain.states import WorkerState
from backend.readmodel.records import WorkerRow
from backend.readmodel.snapshot import Capacity, Health, Link, Snapshot
from backend.readmodel.statements import statement

__all__ = ["Capacity", "Health", "Link", "Snapshot", "read_capacity"]


def read_capacity(conn: Connection, workers: Sequence[WorkerRow]) -> Capacity:
    """Sum up the nodes that have a living worker: what a dead one has, nobody can be given."""
    alive = sorted({worker.node_name for worker in workers if worker.state is not WorkerState.DEAD})
    row = conn.execute(statement("overview"), {"alive": alive, "leader_lock": LEADER_LOCK}).mappings().one()
    return Capacity(**row)

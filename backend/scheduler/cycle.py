"""One turn of the scheduler: read, decide, allocate, and say which node got what."""

from collections import defaultdict
from collections.abc import Sequence
from math import inf
from typing import Any

from sqlalchemy import Connection

from backend.scheduler import sql
from backend.scheduler.plan import Ending, Room, Size, Waiting, plan
from backend.state import machine

QUEUE_DEPTH = range(100, 1001)
"""How far down the queue one turn looks, at least and at most; jobs beyond it wait for a later turn."""


def run_cycle(conn: Connection, patience: float) -> dict[str, list[int]]:
    """Allocate what fits now, inside the caller's transaction: allocation ids by node, to be rung after commit."""
    rooms = _rooms(conn)
    if not rooms:
        return {}
    placements = plan(_queue(conn, rooms), rooms, patience)
    granted: defaultdict[str, list[int]] = defaultdict(list)
    for allocation_id, _, node_name in machine.allocate(conn, placements):
        granted[node_name].append(allocation_id)
    return dict(granted)


def _queue(conn: Connection, rooms: Sequence[Room]) -> list[Waiting]:
    """The head of the queue: deep enough to fill all free CPUs past jobs that do not fit, and not much deeper."""
    depth = 2 * sum(room.free.cpus for room in rooms)
    rows = conn.execute(sql.WAITING, {"limit": max(QUEUE_DEPTH[0], min(depth, QUEUE_DEPTH[-1]))})
    return [Waiting(row.id, row.partition, _size(row), row.time_limit, row.waited) for row in rows]


def _rooms(conn: Connection) -> list[Room]:
    rows = conn.execute(sql.ROOMS).all()
    running: defaultdict[str, list[Ending]] = defaultdict(list)
    for row in conn.execute(sql.RUNNING) if rows else ():
        running[row.node_name].append(Ending(_size(row), inf if row.seconds_left is None else row.seconds_left))
    return [
        Room(
            node_name=row.name,
            worker_id=row.worker_id,
            partitions=frozenset(row.partitions),
            total=_size(row),
            free=Size(row.free_cpus, row.free_memory_mb, row.free_gpus),
            running=running[row.name],
        )
        for row in rows
    ]


def _size(row: Any) -> Size:
    return Size(row.cpus, row.memory_mb, row.gpus)

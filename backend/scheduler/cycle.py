"""One turn of the scheduler: read, decide, allocate, and say which node got what."""

from collections import defaultdict
from heapq import merge
from math import inf

from sqlalchemy import Connection

from backend.scheduler import sql
from backend.scheduler.plan import Ending, Planner, Room, Size, Waiting
from backend.scheduler.queues import read_queue
from backend.state import machine

MOST_PLACED = 1000
"""Jobs that one turn places at most: so long the lock of the leader's transaction keeps others waiting."""


def run_cycle(conn: Connection, patience: float, *, deep: bool = True) -> dict[str, list[int]]:
    """Allocate what fits now, inside the caller's transaction: allocation ids by node, to be rung after commit.

    ``deep``: whether to go on to the end of the queues for what may still start; else only their heads are looked at.
    """
    rooms = _rooms(conn)
    if not rooms:
        return {}
    planner = Planner(rooms, patience)
    queues = [read_queue(conn, planner, partition, patience, deep=deep) for partition in planner.partitions]
    for job in merge(*queues, key=_in_turn):
        planner.offer(job)
        if len(planner.placements) == MOST_PLACED:
            break
    granted: defaultdict[str, list[int]] = defaultdict(list)
    for allocation_id, _, node_name in machine.allocate(conn, planner.placements):
        granted[node_name].append(allocation_id)
    return dict(granted)


def _in_turn(job: Waiting) -> tuple[int, int]:
    return -job.priority, job.job_id


def _rooms(conn: Connection) -> list[Room]:
    rows = conn.execute(sql.ROOMS).all()
    running: defaultdict[str, list[Ending]] = defaultdict(list)
    for row in conn.execute(sql.RUNNING) if rows else ():
        running[row.node_name].append(
            Ending(Size(row.cpus, row.memory_mb, row.gpus), inf if row.seconds_left is None else row.seconds_left)
        )
    return [
        Room(
            node_name=row.name,
            worker_id=row.worker_id,
            partitions=frozenset(row.partitions),
            total=Size(row.cpus, row.memory_mb, row.gpus),
            free=Size(row.free_cpus, row.free_memory_mb, row.free_gpus),
            running=running[row.name],
        )
        for row in rows
    ]

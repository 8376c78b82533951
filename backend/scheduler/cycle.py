"""One turn of the scheduler: read each queue as far as something may start, decide, allocate, and say what was."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from heapq import merge
from math import inf, isfinite
from typing import Any

from jobwarden.backend.database.driver import Connection
from jobwarden.backend.scheduler import sql
from jobwarden.backend.scheduler.plan import NodeCapacity, PendingJob, Planner, RunningJob, Size
from jobwarden.backend.state import machine

# The queue of one partition, read as far down as something of it may still start.
#
# A job that cannot run is in nobody's way: the head of a queue is read whole, and of the rest only what could start
# now.

HEAD = range(100, 1001)
"""Jobs of the head, at least and at most; in between twice as many as CPUs are free."""
GROWTH, LARGEST = 4, 4000
"""Each further page is so many times larger, up to so many jobs."""


def read_queue(
    conn: Connection, planner: Planner, partition: str, patience: float, *, deep: bool
) -> Iterator[PendingJob]:
    """The jobs to offer, in queue order. Ends with the queue, when the partition is full, or (not ``deep``) after the
    head."""
    most = planner.most(partition)
    if most is None:
        return
    size = max(HEAD[0], min(2 * most.cpus, HEAD[-1]))
    rows = conn.execute(sql.HEAD, {"partition": partition, "limit": size}).all()
    while True:
        for row in rows:
            yield _waiting(row)
            most = planner.most(partition)
            if most is None:
                return
        if len(rows) < size or not deep:
            return
        size = min(size * GROWTH, LARGEST)
        rows = conn.execute(sql.BEYOND, _beyond(planner, partition, patience, most, rows[-1], size)).all()


def _beyond(planner: Planner, partition: str, patience: float, most: Size, last: Any, limit: int) -> dict[str, Any]:
    failed = [
        {
            "cpus": shape.size.cpus,
            "memory_mb": shape.size.memory_mb,
            "gpus": shape.size.gpus,
            "time_limit": shape.time_limit if isfinite(shape.time_limit) else None,
        }
        for shape in planner.failed(partition)
    ]
    whole = planner.reservable(partition) or Size(0, 0, 0)
    return {
        "partition": partition,
        "priority": last.priority,
        "id": last.id,
        "cpus": most.cpus,
        "memory_mb": most.memory_mb,
        "gpus": most.gpus,
        "failed": json.dumps(failed),
        "patience": patience,
        "whole_cpus": whole.cpus,
        "whole_memory_mb": whole.memory_mb,
        "whole_gpus": whole.gpus,
        "limit": limit,
    }


def _waiting(row: Any) -> PendingJob:
    size = Size(row.cpus, row.memory_mb, row.gpus)
    return PendingJob(row.id, row.partition, size, row.time_limit, row.waited, row.priority)


MOST_PLACED = 1000
"""Jobs that one turn places at most: so long the lock of the leader's transaction keeps others waiting."""


def run_cycle(conn: Connection, patience: float, *, deep: bool = True) -> dict[str, list[int]]:
    """Allocate what fits now, inside the caller's transaction: allocation ids by node, to be rung after commit.

    ``deep``: whether to go on to the end of the queues for what may still start; else only their heads are looked at.
    """
    rooms = _rooms(conn)
    if not rooms:
        return {}
    planner = Planner(rooms, patience, lambda: _look_at_running(conn, rooms))
    queues = [read_queue(conn, planner, partition, patience, deep=deep) for partition in planner.partitions]
    for job in merge(*queues, key=_in_turn):
        planner.offer(job)
        if len(planner.placements) == MOST_PLACED:
            break
    granted: defaultdict[str, list[int]] = defaultdict(list)
    for allocation_id, _, node_name in machine.allocate(conn, planner.placements):
        granted[node_name].append(allocation_id)
    return dict(granted)


def _in_turn(job: PendingJob) -> tuple[int, int]:
    return -job.priority, job.job_id


def _rooms(conn: Connection) -> list[NodeCapacity]:
    return [
        NodeCapacity(
            node_name=row.name,
            worker_id=row.worker_id,
            partitions=frozenset(row.partitions),
            total=Size(row.cpus, row.memory_mb, row.gpus),
            free=Size(row.free_cpus, row.free_memory_mb, row.free_gpus),
        )
        for row in conn.execute(sql.ROOMS)
    ]


def _look_at_running(conn: Connection, rooms: Sequence[NodeCapacity]) -> None:
    running: defaultdict[str, list[RunningJob]] = defaultdict(list)
    for row in conn.execute(sql.RUNNING):
        running[row.node_name].append(
            RunningJob(Size(row.cpus, row.memory_mb, row.gpus), inf if row.seconds_left is None else row.seconds_left)
        )
    for room in rooms:
        room.running = [*running[room.node_name], *room.running]


def give_back(conn: Connection) -> None:
    """Put jobs back that a lost worker was granted and never began: the database knows that no process was committed,
    so nobody has to look at its host. Should it live, the gates of these stay shut."""
    if lost := conn.scalars(sql.NEVER_BEGUN):
        why = "its worker was lost before the script started"
        machine.requeue(conn, lost, "scheduler", why, uncommitted=True)

"""The queue of one partition, read as far down as something of it may still start.

A job that cannot run is in nobody's way: the head of a queue is read whole, and of the rest only what could start now.
"""

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any

from sqlalchemy import Connection

from backend.scheduler import sql
from backend.scheduler.plan import Planner, Size, Waiting

HEAD = range(100, 1001)
"""Jobs of the head, at least and at most; in between twice as many as CPUs are free."""
GROWTH, LARGEST = 4, 4000
"""Each further page is so many times larger, up to so many jobs."""


def read_queue(conn: Connection, planner: Planner, partition: str, patience: float, *, deep: bool) -> Iterator[Waiting]:
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


def _waiting(row: Any) -> Waiting:
    size = Size(row.cpus, row.memory_mb, row.gpus)
    return Waiting(row.id, row.partition, size, row.time_limit, row.waited, row.priority)

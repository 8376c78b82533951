"""Which jobs are taken into the queue: the one way in for the command line, Python and resubmission.

A partition that no node is in is a mistyped one, and refused as Slurm does it. What no node can hold today may be meant
for one that comes tomorrow: it is taken, and said at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.pending_reason import NodeFacts, WaitingJob, never_starts
from jobwarden.backend.domain.request import JobRequest
from jobwarden.backend.domain.units import shorten
from jobwarden.backend.errors import InputError
from jobwarden.backend.queries.workers import read_nodes
from jobwarden.backend.state import machine


@dataclass(frozen=True, slots=True)
class Submitted:
    """Ids of new jobs in the order given, and what their submitter should hear of them."""

    ids: list[int]
    warnings: tuple[str, ...]


def submit(conn: Connection, requests: Sequence[JobRequest], actor: str) -> Submitted:
    """Submit jobs inside the caller's transaction. Raises InputError for a partition that no node is in."""
    warnings = admit(conn, requests)
    return Submitted(machine.submit(conn, requests, actor), warnings)


def admit(conn: Connection, wanted: Iterable[WaitingJob]) -> tuple[str, ...]:
    """Why any of these cannot start on any node there is. Raises InputError for a partition that no node is in.

    Before the first worker has joined, everything is taken.
    """
    nodes = read_nodes(conn, ())
    if not nodes:
        return ()
    found: dict[str, None] = {}
    for one in wanted:
        _check_partition(one.partition, nodes)
        if why := never_starts(one, nodes):
            found[why] = None
    return tuple(found)


def _check_partition(partition: str, nodes: Sequence[NodeFacts]) -> None:
    known = sorted({name for node in nodes for name in node.partitions})
    if partition not in known:
        there = ", ".join(known[:10]) + (" ..." if len(known) > 10 else "")
        raise InputError(f"no node is in partition {shorten(partition)}: there is {there or 'none'}")

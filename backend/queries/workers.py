"""Which workers live (lock, lease and process weighed in one place), what they have, and nodes for the scheduler."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobwarden.backend.database.driver import Connection
from jobwarden.backend.database.engine import LEADER_LOCK, WORKER_LOCK
from jobwarden.backend.domain.pending_reason import NodeFacts
from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.process.identity import Liveness, ProcessIdentity, liveness, ran_here, this_host
from jobwarden.backend.queries.models.jobs import WorkerRow
from jobwarden.backend.queries.models.snapshot import Capacity
from jobwarden.backend.queries.statements import statement

ProcessCheck = Callable[[ProcessIdentity], Liveness]


def read_workers(conn: Connection, check: ProcessCheck = liveness) -> list[WorkerRow]:
    """Read the workers by node, newest first, each with its state of this moment.

    How long a heartbeat counts is each worker's own setting. Ended workers stay listed for a day.
    """
    rows = conn.execute(statement("workers"), {"worker_lock": WORKER_LOCK}).mappings()
    return [_worker(row, check) for row in rows]


def _worker(row: Mapping[str, Any], check: ProcessCheck) -> WorkerRow:
    values: dict[str, Any] = dict(row)
    lock_held, draining = values.pop("lock_held"), values.pop("draining")
    lease_fresh = values["lease_age"] <= values.pop("lease_seconds")
    state = judge(
        ended=values["ended_at"] is not None,
        lock_held=lock_held,
        lease_fresh=lease_fresh,
        process_gone=lambda: _gone(row, check),
        draining=draining or values["drained"],
    )
    return WorkerRow(state=state, **values)


def judge(
    *, ended: bool, lock_held: bool, lease_fresh: bool, process_gone: Callable[[], bool], draining: bool
) -> WorkerState:
    """Weigh the evidence of one worker; ``process_gone`` is asked only when the lock is not held.

    A lost lock alone is no proof of death (the connection may be down): the process must be gone too, or the lease.
    """
    if ended or not lease_fresh or (not lock_held and process_gone()):
        return WorkerState.DEAD
    return WorkerState.DRAINING if draining else WorkerState.ONLINE


def _gone(row: Mapping[str, Any], check: ProcessCheck) -> bool:
    """Whether the worker's process is known to be gone; only its own machine can say so."""
    here = ran_here(machine_id=row["machine_id"], boot_id=row["boot_id"], hostname=row["hostname"])
    if not here or row["machine_id"] != this_host().machine_id:
        return False
    identity = ProcessIdentity.from_row(row, "pid")
    return check(identity) is Liveness.GONE


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A worker; ``newest`` says that it is the one that serves its node, or was the last to do so."""

    worker: WorkerRow
    newest: bool

    @property
    def id(self) -> int:
        """Number of the worker."""
        return self.worker.id


def node_rows(workers: Sequence[WorkerRow], *, every: bool = False) -> tuple[NodeRow, ...]:
    """Put the newest worker of each node first; a former one is listed while it has jobs left, or with ``every``."""
    rows, seen = [], set()
    for worker in sorted(workers, key=lambda worker: (worker.node_name, -worker.id)):
        newest = worker.node_name not in seen
        seen.add(worker.node_name)
        if every or newest or worker.running_jobs:
            rows.append(NodeRow(worker, newest))
    return tuple(rows)


# Reads what the nodes have, for the header.


def read_capacity(conn: Connection, workers: Sequence[WorkerRow]) -> Capacity:
    """Sum up the nodes that have a living worker: what a dead one has, nobody can be given."""
    alive = sorted({worker.node_name for worker in workers if worker.state is not WorkerState.DEAD})
    row = conn.execute(statement("overview"), {"alive": alive, "leader_lock": LEADER_LOCK}).mappings().one()
    return Capacity(**row)


# The nodes as the scheduler sees them.


def read_nodes(conn: Connection, workers: Iterable[WorkerRow]) -> list[NodeFacts]:
    """Read the nodes as the scheduler sees them; those with a worker that is not DEAD are alive."""
    alive = sorted({worker.node_name for worker in workers if worker.state is not WorkerState.DEAD})
    rows = conn.execute(statement("nodes"), {"alive": alive}).mappings()
    return [NodeFacts(**{**row, "partitions": tuple(row["partitions"])}) for row in rows]

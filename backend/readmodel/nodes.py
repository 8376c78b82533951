"""The nodes as the scheduler sees them."""

from collections.abc import Iterable

from sqlalchemy import Connection

from backend.domain.pending import NodeFacts
from backend.domain.states import WorkerState
from backend.readmodel.records import WorkerRow
from backend.readmodel.statements import statement


def read_nodes(conn: Connection, workers: Iterable[WorkerRow]) -> list[NodeFacts]:
    """Read the nodes as the scheduler sees them; those with a worker that is not DEAD are alive."""
    alive = sorted({worker.node_name for worker in workers if worker.state is not WorkerState.DEAD})
    rows = conn.execute(statement("nodes"), {"alive": alive}).mappings()
    return [NodeFacts(**{**row, "partitions": tuple(row["partitions"])}) for row in rows]

"""What waits and why, in the order the scheduler looks at it, and the doorbell's own queues."""

from collections.abc import Sequence

import redis

from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.domain.pending_reason import NodeFacts
from jobwarden.backend.queries.job_detail import Reasons
from jobwarden.backend.queries.jobs import compile_filter, read_jobs
from jobwarden.backend.queries.models.job_window import Query
from jobwarden.backend.queries.models.jobs import JobRow, WorkerRow
from jobwarden.backend.queries.models.pages import LISTED, Bell, Bells, QueueRow, QueueView, QueueWanted
from jobwarden.backend.queries.statements import source, statement
from jobwarden.backend.queries.workers import read_nodes

__all__ = ["Bell", "Bells", "QueueRow", "QueueView", "read_bells", "read_queue"]

EVERYTHING = QueueWanted()


def read_queue(
    conn: Connection, workers: Sequence[WorkerRow], client: redis.Redis, wanted: QueueWanted = EVERYTHING
) -> QueueView:
    """Read the queue; what Redis does not answer is said in ``bells.error``. Raises InputError for a wrong filter."""
    pending, held = conn.execute(statement("queue_totals")).one()
    nodes = read_nodes(conn, workers)
    bells = read_bells(client, [node.name for node in nodes])
    rows = _rows(conn, nodes, compile_filter(wanted.filter))
    return QueueView(rows, int(pending), int(held), bells, wanted=wanted)


def _rows(conn: Connection, nodes: Sequence[NodeFacts], query: Query) -> tuple[QueueRow, ...]:
    sql = source("queue").replace("{where}", query.where)
    places = {job_id: int(place) for job_id, place in conn.execute(text(sql), {**query.params, "limit": LISTED})}
    jobs = {job.id: job for job in read_jobs(conn, list(places))}
    reasons = Reasons(nodes)  # how many are ahead is a column of its own
    return tuple(_row(jobs[job_id], place, reasons) for job_id, place in places.items() if job_id in jobs)


def _row(job: JobRow, place: int, reasons: Reasons) -> QueueRow:
    return QueueRow(job, 0 if job.held else place, reasons.of(job))


def read_bells(client: redis.Redis, nodes: Sequence[str]) -> Bells:
    """Ask Redis for itself and for the queue of each node."""
    try:
        info = client.info()
        queues = tuple(_bell(client, node) for node in nodes)
    except (redis.RedisError, OSError) as exc:
        return Bells(error=str(exc).partition("\n")[0])
    return Bells(
        queues,
        version=_version(info),
        memory_mb=info.get("used_memory", 0) / 2**20,
        clients=info.get("connected_clients", 0),
        uptime=info.get("uptime_in_seconds", 0),
    )


def _version(info: dict[str, object]) -> str:
    """Servers that speak Redis say so under a version of Redis, and their own beside it."""
    own = info.get("valkey_version")
    return f"Valkey {own}" if own else f"Redis {info.get('redis_version', '')}"


def _bell(client: redis.Redis, node: str) -> Bell:
    # Imported late: only this screen needs RQ, and it takes longer to load than all the rest.
    from rq import Queue, Worker
    from rq.serializers import JSONSerializer

    from jobwarden.backend.queue.doorbell import queue_name

    queue = Queue(queue_name(node), connection=client, serializer=JSONSerializer)
    first = queue.get_job_ids(0, 1)
    oldest = queue.fetch_job(first[0]) if first else None
    return Bell(
        node,
        messages=queue.count,
        listeners=len(Worker.all_keys(queue=queue)),
        failed=queue.failed_job_registry.count,
        oldest=oldest.enqueued_at if oldest is not None else None,
    )

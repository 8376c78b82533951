"""The leader notices workers that died: kept with the worker, for the metrics, and in the audit."""

from sqlalchemy import Connection

from backend.alerts import sql
from backend.domain.states import WorkerState
from backend.domain.units import format_age
from backend.readmodel.workers import read_workers
from backend.state import machine

ACTOR = "leader"


def notice_lost(conn: Connection) -> list[int]:
    """Note each dead worker once; the ids of those that nobody had noticed before."""
    dead = [w.id for w in read_workers(conn) if w.state is WorkerState.DEAD and w.ended_at is None]
    if not dead:
        return []
    noticed = conn.execute(sql.NOTICE, {"ids": dead}).all()
    for row in noticed:
        why = f"worker {row.id} is dead, last heartbeat {format_age(row.noticed_after)} ago"
        machine.note_node(conn, row.node_name, ACTOR, "worker-lost", why, {"worker_id": row.id})
    return [row.id for row in noticed]

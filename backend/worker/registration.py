"""How a worker takes a node: ids past those in its spool, capacity, locks, a row, the end of its predecessors."""

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobwarden import __version__
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.database.engine import NODE_LOCK, WORKER_LOCK, release_session_lock, try_session_lock
from jobwarden.backend.domain.units import counted
from jobwarden.backend.embedded.home import explained, locate
from jobwarden.backend.embedded.workers import write_pid_file
from jobwarden.backend.errors import Refused
from jobwarden.backend.faults import point
from jobwarden.backend.process.identity import Liveness, ProcessIdentity, identify, liveness, ran_here, this_host
from jobwarden.backend.process.spool import job_of
from jobwarden.backend.state import machine
from jobwarden.backend.worker import sql

LOCK_PATIENCE_SECONDS = 5.0
"""A dead predecessor's session may linger a moment: longest seen is 3 s, with a socket inherited by a child."""


@dataclass(frozen=True, slots=True)
class Registration:
    """This boot of the daemon. ``worker_id`` is never reused; the node's name is."""

    worker_id: int
    node_id: int
    node_name: str
    spool: str

    @property
    def actor(self) -> str:
        """Who writes the events of this worker."""
        return f"worker:{self.node_name}"


def register(conn: Connection, settings: Settings, spool: str, jobs_as: str) -> Registration:
    """Take the node for this process. ``conn`` (autocommit) holds the locks from now on and must live as long.

    ``jobs_as`` is the Unix user that its jobs run as, SUBMITTERS for those who submitted them.
    Raises Refused while another live worker has the node.
    """
    name = settings.node_name
    capacity = {"cpus": settings.cpus, "memory_mb": settings.memory_mb, "gpus": settings.gpus}
    node = {"name": name, "partitions": list(settings.partitions), **capacity}
    conn.execute(sql.ADD_NODE, node)
    node_id = conn.execute(sql.NODE_ID, node).scalar_one()
    _take_node(conn, name, node_id)
    with explained(locate(settings)):
        write_pid_file(settings.home, name)  # now that the node is ours, and before anybody sees that it is
    conn.execute(sql.SET_CAPACITY, node)
    host, me = this_host(), identify(os.getpid())
    assert me is not None, "/proc shows this very process"
    conn.execute(sql.SUPERSEDE, {"name": name, "reason": "superseded by a new worker of the node"})
    worker_id = conn.scalar(
        sql.INSERT_WORKER,
        {
            "node_name": name,
            "hostname": host.hostname,
            "machine_id": host.machine_id,
            "boot_id": host.boot_id,
            "pid": me.pid,
            "process_start": me.start_ticks,
            "pid_namespace": host.pid_namespace,
            "spool": spool,
            "version": __version__,
            "lease_seconds": settings.lease_seconds,
            "jobs_as": jobs_as,
        },
    )
    point("registered", conn)
    hold_worker_lock(conn, worker_id)
    registration = Registration(worker_id, node_id, name, spool)
    machine.note_node(conn, name, registration.actor, "worker-started", None, {"worker_id": worker_id, "pid": me.pid})
    return registration


def hold_worker_lock(conn: Connection, worker_id: int) -> bool:
    """Take the lock whose freedom means that this worker's session ended; False while an old session lingers."""
    return try_session_lock(conn, WORKER_LOCK, worker_id)


def hold_node_lock(conn: Connection, registration: Registration) -> bool:
    """Take the node's lock again on a new connection; False while another session has it."""
    return try_session_lock(conn, NODE_LOCK, registration.node_id)


def beat(conn: Connection, worker_id: int) -> bool:
    """Renew the lease; False when this worker's row was ended by a successor."""
    point("beat", conn)
    return conn.scalar(sql.BEAT, {"worker": worker_id}) is not None


def set_draining(conn: Connection, worker_id: int) -> None:
    """Take no new jobs from now on."""
    conn.execute(sql.SET_DRAINING, {"worker": worker_id})


def end(conn: Connection, registration: Registration, reason: str) -> None:
    """Close this worker's row: it stopped by itself."""
    conn.execute(sql.END_WORKER, {"worker": registration.worker_id, "reason": reason})
    detail = {"worker_id": registration.worker_id}
    machine.note_node(conn, registration.node_name, registration.actor, "worker-stopped", reason, detail)


def _take_node(conn: Connection, name: str, node_id: int) -> None:
    """Wait for the node's lock and for proof that nobody serves it; both are at hand when the predecessor crashed."""
    began = time.monotonic()
    while True:
        locked = try_session_lock(conn, NODE_LOCK, node_id)
        holder = conn.execute(sql.CURRENT_WORKER, {"name": name}).one_or_none()
        serving = holder is not None and _serving(holder)
        if locked and not serving:
            return
        if locked:
            release_session_lock(conn, NODE_LOCK, node_id)
        lease = 0.0 if holder is None else holder.lease_seconds
        if _certain(holder) or time.monotonic() > began + lease + LOCK_PATIENCE_SECONDS:
            raise Refused(_taken(name, holder))
        time.sleep(0.05)


def _serving(holder: Any) -> bool:
    """Whether a worker whose lock is free may yet live: its lost connection can come back before its lease ends."""
    if _is_me(holder) or (_of_this_host(holder) and liveness(_identity(holder)) is Liveness.GONE):
        return False
    return bool(holder.lease_age < holder.lease_seconds)


def _certain(holder: Any) -> bool:
    """Whether the holder is seen alive on this host, so that waiting is of no use."""
    if holder is None or not _of_this_host(holder) or _is_me(holder):
        return False
    return liveness(_identity(holder)) is Liveness.ALIVE


def _is_me(holder: Any) -> bool:
    """Whether this very process wrote that row, in an attempt that the database broke off: nobody else serves then."""
    return _of_this_host(holder) and _identity(holder) == identify(os.getpid())


def _of_this_host(worker: Any) -> bool:
    here = ran_here(machine_id=worker.machine_id, boot_id=worker.boot_id, hostname=worker.hostname)
    return here and bool(worker.machine_id == this_host().machine_id)


def _identity(worker: Any) -> ProcessIdentity:
    return ProcessIdentity.from_row(worker.asdict(), "pid")


def _taken(name: str, holder: Any) -> str:
    if holder is None:
        return f"node {name} is being taken by another worker: try again, or set JOBWARDEN_NODE_NAME to another name"
    who = f"worker {holder.id} (pid {holder.pid} on {holder.hostname})"
    return f"node {name} already has {who}: stop that one first, or set JOBWARDEN_NODE_NAME to another name"


# Ids that a restored database would give a second time: its counters are raised past what lies in the spool.

log = logging.getLogger(__name__)


def raise_past_spool(conn: Connection, me: Registration) -> None:
    """Have no id given that a folder of this node bears already, with an event where one would have been.

    Raises DatabaseError, also for folders whose numbers are none of ours.
    """
    known = conn.scalar(sql.LARGEST_ALLOCATION) or 0
    beyond = sorted(allocation for allocation in _folders(me.spool) if allocation > known)
    if not beyond:
        return
    jobs = [job for allocation in beyond if (job := job_of(f"{me.spool}/{allocation}")) is not None]
    past = {"job": max(jobs, default=0), "allocation": beyond[-1]}
    if not conn.scalar(sql.RAISE_IDS, past):
        return
    why = (
        f"{me.spool} has {counted(len(beyond), 'folder')} up to {beyond[-1]} that the database does not know, as"
        " after a restore: new ids start after them"
    )
    log.warning("%s", why)
    machine.note_node(conn, me.node_name, me.actor, "ids-raised", why, {"folders": len(beyond), **past})


def _folders(spool: str) -> Iterator[int]:
    for entry in Path(spool).iterdir():
        name = entry.name
        if name.isascii() and name.isdecimal() and len(name) < 19:
            yield int(name)

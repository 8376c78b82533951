"""What ``up --demo`` does: fill the first node's queue, and lose a second node with jobs on it."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jobwarden.backend.actions.results import current_actor
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.demo import catalog
from jobwarden.backend.domain.units import counted
from jobwarden.backend.embedded.home import sole, trusted_home
from jobwarden.backend.embedded.workers import pid_file
from jobwarden.backend.errors import Refused
from jobwarden.backend.process.identity import Liveness, ProcessIdentity, identify, liveness
from jobwarden.backend.process.members import Target, family, members
from jobwarden.backend.process.procfs import scan
from jobwarden.backend.process.signals import identity_of, signal_process
from jobwarden.backend.services.lifecycle import live_worker, start_worker
from jobwarden.backend.services.session import Session, open_session
from jobwarden.backend.state import machine

NODE = "demo-b"
CPUS = 8
"""Pretended: its jobs only wait."""

START_SECONDS = 30.0
_POLL_SECONDS = 0.05

_RUNNING = text("""
    SELECT a.job_id, a.cookie, a.process_id, a.process_start, a.boot_id, a.pid_namespace, a.spool_dir, a.record_key,
           j.name
    FROM resource_allocations a JOIN jobs j ON j.id = a.job_id
    WHERE a.node_name = :node AND NOT a.released AND j.start_time IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class Lost:
    """What was lost: the worker's pid, and how many jobs it ran."""

    worker_pid: int
    jobs: int


def lose_node(session: Session) -> Lost | None:
    """Start the second node's worker, give it jobs, kill it; None when it lives, or has jobs of an earlier time.

    Once it is up, the worker is killed however this ends. Raises Refused when worker or jobs do not start.
    """
    settings = _second_node(session.settings)
    if live_worker(session.engine, settings) or _running(session):
        return None
    worker = identify(_start(session, settings))
    if worker is None:
        raise Refused(f"the worker of node {NODE} ended at once: see {settings.home / 'log'}")
    try:
        jobs = _submit(session, worker.pid)
        running = _wait_for(lambda: found if len(found := _under_way(session)) == len(jobs) else None)
    finally:
        _kill(worker)
        pid_file(settings.home, NODE).unlink(missing_ok=True)
    for row in running:
        if row.name == catalog.CASUALTY:
            _kill_all(row)
    return Lost(worker.pid, len(jobs))


def _second_node(settings: Settings) -> Settings:
    return settings.but(node_name=NODE)


def _start(session: Session, settings: Settings) -> int:
    variables = {
        "JOBWARDEN_NODE_CPUS": str(CPUS),
        "JOBWARDEN_NODE_MEMORY_MB": str(CPUS * catalog.MEMORY_MB),
        "JOBWARDEN_NODE_GPUS": "0",
        "JOBWARDEN_PARTITIONS": NODE,
    }
    with sole(trusted_home(settings)) as lock:
        return start_worker(session.engine, settings, lock, f"worker-{NODE}.log", variables).pid


def _submit(session: Session, worker_pid: int) -> list[int]:
    environment = {"DEMO_WORKER": str(worker_pid)}
    requests = catalog.requests(catalog.ABANDONED, partition=NODE, cpus=CPUS, environment=environment)
    with session.engine.begin() as conn:
        return machine.submit(conn, requests, current_actor())


def _running(session: Session) -> Sequence[Any]:
    with session.engine.connect() as conn:
        return conn.execute(_RUNNING, {"node": NODE}).all()


def _under_way(session: Session) -> list[Any]:
    """Those whose script runs: RUNNING comes first, and a job lost in between would only go back to the queue."""
    rows, snapshot = _running(session), scan()
    return [row for row in rows if family(_target(row), snapshot).others]


def _wait_for(condition: Callable[[], Sequence[Any] | None]) -> Sequence[Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = condition()
        if found is not None:
            return found
        time.sleep(_POLL_SECONDS)
    raise Refused(f"the jobs of node {NODE} did not start within {START_SECONDS:.0f} s: see `jobwarden jobs`")


def _kill(worker: ProcessIdentity) -> None:
    """Kill, and collect the child: while it is a zombie, its pid still answers to the jobs that wait for its end."""
    signal_process(worker, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(worker.pid, 0)
    while liveness(worker) is not Liveness.GONE:
        time.sleep(_POLL_SECONDS)


def _kill_all(row: Any) -> None:
    """Kill a job's supervisor first, so that it records nothing, then what it left."""
    target = _target(row)
    signal_process(target.identity, signal.SIGKILL)
    while left := members(target, scan()):
        for process in left:
            signal_process(identity_of(process), signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def _target(row: Any) -> Target:
    supervisor = ProcessIdentity.from_row(row.asdict(), "process_id")
    return Target(supervisor, row.cookie, row.spool_dir, row.record_key)


def start(settings: Settings) -> Iterator[str]:
    """Submit the demonstration to a running installation; lines that say what was done, as it is done.

    Every call adds jobs. Orphans that an earlier call left are kept and no further ones made. Raises Refused when
    the second worker does not start.
    """
    with open_session(settings) as session:
        with session.engine.begin() as conn:
            jobs = _fill(conn, settings)
        yield f"demo: submitted {counted(len(jobs), 'job')} (`jobwarden jobs account:{catalog.ACCOUNT}`)"
        yield _lose(session)


def _fill(conn: Connection, settings: Settings) -> list[int]:
    requests = catalog.requests(catalog.ORDINARY, partition=settings.partitions[0], cpus=settings.cpus)
    return machine.submit(conn, requests, current_actor())


def _lose(session: Session) -> str:
    lost = lose_node(session)
    if lost is None:
        return f"demo: node {NODE} still has the anomalies of the last demo (`jobwarden orphans`)"
    ran = counted(lost.jobs, "job")
    return f"demo: killed worker {lost.worker_pid} of node {NODE} while it ran {ran}: see `jobwarden orphans`"

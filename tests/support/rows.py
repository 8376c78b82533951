"""Rows that tests of the database start from: a node, its worker, requests, jobs in a given state."""

from __future__ import annotations

from typing import Any

from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.domain.request import JobRequest
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Placement, Started

ACTOR = "tester@here"


def request(**fields: Any) -> JobRequest:
    """A small valid request; ``fields`` replace parts of it."""
    return JobRequest(**{"script": "exit 0\n", "work_dir": "/", "account": "tests", **fields})


def add_node(conn: Connection, name: str = "node1", *, cpus: int = 4, memory_mb: int = 4096, gpus: int = 0) -> int:
    """A node with a worker whose row exists (no process behind it); the worker's id."""
    conn.execute(
        text("INSERT INTO nodes (name, cpus, memory_mb, gpus) VALUES (:name, :cpus, :memory_mb, :gpus)"),
        {"name": name, "cpus": cpus, "memory_mb": memory_mb, "gpus": gpus},
    )
    return add_worker(conn, name)


def add_worker(conn: Connection, node_name: str = "node1") -> int:
    """One more worker row of a node."""
    worker_id: int = conn.execute(
        text(
            "INSERT INTO workers (node_name, hostname, machine_id, boot_id, pid, process_start, pid_namespace, spool,"
            " version) VALUES (:node, 'host', 'machine', 'boot', 1, 1, 1, '/nowhere', 'test') RETURNING id"
        ),
        {"node": node_name},
    ).scalar_one()
    return worker_id


def pending(conn: Connection, **fields: Any) -> int:
    """A PENDING job."""
    return machine.submit(conn, [request(**fields)], ACTOR)[0]


def allocated(conn: Connection, worker_id: int, node_name: str = "node1", **fields: Any) -> tuple[int, int]:
    """A job that is *starting*: (job id, allocation id)."""
    job_id = pending(conn, **fields)
    [(allocation_id, _, _)] = machine.allocate(conn, [Placement(job_id, node_name, worker_id)])
    return job_id, allocation_id


def running(conn: Connection, worker_id: int, node_name: str = "node1", **fields: Any) -> tuple[int, int]:
    """A job with a committed (made-up) process: (job id, allocation id)."""
    job_id, allocation_id = allocated(conn, worker_id, node_name, **fields)
    machine.claim(conn, worker_id, [allocation_id])
    machine.commit_start(conn, worker_id, [started(allocation_id)], "worker:node1")
    return job_id, allocation_id


def started(allocation_id: int, process_id: int = 4242) -> Started:
    """An identity of no real process."""
    return Started(allocation_id, process_id, 7, "boot", 1, f"/nowhere/{allocation_id}")


def without_rules(conn: Connection, table: str) -> None:
    """Take the checks off a table: what an old version or another program may have left there."""
    checks = text("SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass) AND contype = 'c'")
    for name in list(conn.scalars(checks, {"table": table})):
        conn.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'))


def column(conn: Connection, job_id: int, name: str) -> Any:
    """One column of a job."""
    return conn.scalar(text(f"SELECT {name} FROM jobs WHERE id = :id"), {"id": job_id})


def actions(conn: Connection, job_id: int) -> list[tuple[str, str | None, str | None]]:
    """The job's audit as (action, from state, to state)."""
    rows = conn.execute(
        text("SELECT action, from_state, to_state FROM events WHERE job_id = :id ORDER BY id"), {"id": job_id}
    )
    return [(row.action, row.from_state, row.to_state) for row in rows]


def live_allocations(conn: Connection, job_id: int) -> int:
    """How many unreleased allocations the job has."""
    return int(
        conn.scalar(
            text("SELECT count(*) FROM resource_allocations WHERE job_id = :id AND NOT released"), {"id": job_id}
        )
        or 0
    )

"""Rows for the read model to read, put in the way the program does, guards and all."""

from collections.abc import Sequence

from jobwarden.backend.database.driver import Connection, Engine, text
from jobwarden.backend.process.identity import identify, this_host

ROOM = 1_000_000
"""CPUs and MiB of a node: more than any test asks for."""


def acting(conn: Connection, action: str, actor: str = "tester@host") -> None:
    """Say who acts, as the state machine does."""
    conn.execute(
        text("SELECT set_config('jobwarden.action', :action, true), set_config('jobwarden.actor', :actor, true)"),
        {"action": action, "actor": actor},
    )


def add_jobs(engine: Engine, number: int, **columns: object) -> list[int]:
    """Submit jobs; columns are the same for all, ``name`` gets the number of the job behind it."""
    values = {
        "name": "job",
        "account": "alice",
        "script": "#!/bin/sh\ntrue\n",
        "work_dir": "/",
        "memory_mb": 64,
        **columns,
    }
    names = ", ".join(values)
    marks = ", ".join(f":{name} || '-' || i" if name == "name" else f":{name}" for name in values)
    with engine.begin() as conn:
        acting(conn, "submit")
        sql = f"INSERT INTO jobs ({names}) SELECT {marks} FROM generate_series(1, :number) i ORDER BY i RETURNING id"
        return sorted(conn.scalars(text(sql), {**values, "number": number}))


def add_worker(engine: Engine, node: str, pid: int, *, heartbeat_age: float = 0.0) -> int:
    """Register a worker of this host that is the process ``pid``; returns its id."""
    identity, host = identify(pid), this_host()
    assert identity is not None
    with engine.begin() as conn:
        conn.execute(
            text("INSERT INTO nodes (name, cpus, memory_mb) VALUES (:node, :cpus, :room) ON CONFLICT DO NOTHING"),
            {"node": node, "cpus": 60_000, "room": ROOM},
        )
        worker_id: int = conn.execute(
            text(
                "INSERT INTO workers (node_name, hostname, machine_id, boot_id, pid, process_start, pid_namespace,"
                " spool, version, heartbeat_at)"
                " VALUES (:node, :hostname, :machine, :boot, :pid, :start, :namespace, '/tmp', '0',"
                " now() - make_interval(secs => :age)) RETURNING id"
            ),
            {
                "node": node, "hostname": host.hostname, "machine": host.machine_id, "boot": host.boot_id, "pid": pid,
                "start": identity.start_ticks, "namespace": host.pid_namespace, "age": heartbeat_age,
            },
        ).scalar_one()  # fmt: skip
    return worker_id


def start(engine: Engine, ids: Sequence[int], worker_id: int, spool: str = "/nowhere") -> None:
    """Let jobs run on a worker's node; their processes are made up."""
    with engine.begin() as conn:
        acting(conn, "allocate", "scheduler")
        conn.execute(
            text(
                "UPDATE jobs SET state = 'RUNNING', start_time = now(), node_name = w.node_name"
                " FROM workers w WHERE w.id = :worker AND jobs.id = ANY(:ids)"
            ),
            {"worker": worker_id, "ids": list(ids)},
        )
        conn.execute(
            text(
                "INSERT INTO resource_allocations (job_id, node_name, worker_id, allocated_cpus, allocated_memory_mb,"
                " allocated_gpus, process_id, process_start, boot_id, pid_namespace, spool_dir)"
                " SELECT j.id, j.node_name, :worker, j.cpus, j.memory_mb, 0, 999999999, 1, w.boot_id, w.pid_namespace,"
                " :spool || '/' || j.id FROM jobs j JOIN workers w ON w.id = :worker WHERE j.id = ANY(:ids)"
            ),
            {"worker": worker_id, "ids": list(ids), "spool": spool},
        )


def finish(engine: Engine, ids: Sequence[int], state: str = "COMPLETED") -> None:
    """End jobs and give back what was granted to them."""
    with engine.begin() as conn:
        acting(conn, "finish", "worker")
        conn.execute(
            text("UPDATE jobs SET state = CAST(:state AS job_state), end_time = now() WHERE id = ANY(:ids)"),
            {"state": state, "ids": list(ids)},
        )
        conn.execute(
            text("UPDATE resource_allocations SET released = true WHERE job_id = ANY(:ids)"), {"ids": list(ids)}
        )


def typed(engine: Engine, sql: str) -> None:
    """Do what an operator types into psql."""
    with engine.begin() as conn:
        conn.execute(text(sql))

"""Jobs that really run, with the rows a worker would have written, but no worker: what a crash leaves behind."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, Engine, text
from jobwarden.backend.database.engine import WORKER_LOCK, try_session_lock
from jobwarden.backend.process.environment import job_environment
from jobwarden.backend.process.identity import this_host
from jobwarden.backend.process.launch_server import Gated, LaunchServer
from jobwarden.backend.process.record import read_record
from jobwarden.backend.process.spawn import Launch, Orders
from jobwarden.backend.process.spool import Folder, prepare_root
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Placement, Started
from tests.support.launching import launched
from tests.support.processes import MARK, is_gone, marked, reap_marked, wait_until
from tests.support.rows import column, request


@dataclass(frozen=True)
class Running:
    """A job of the scene."""

    id: int
    allocation_id: int
    gated: Gated
    folder: str
    record_key: str

    @property
    def pid(self) -> int:
        return self.gated.pid

    def said(self, words: str) -> None:
        """Wait until its log holds ``words``."""
        log = Path(self.folder, "output.log")
        wait_until(lambda: words.encode() in log.read_bytes(), what=f"{words!r} in {log}")

    def ended(self) -> None:
        """Wait until its supervisor has gone, and reap it."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def kill_supervisor(self) -> None:
        """kill -9 for the supervisor alone."""
        os.kill(self.pid, signal.SIGKILL)
        self.ended()

    def has_record(self) -> None:
        """Wait until the exit status is in the spool."""
        wait_until(lambda: read_record(self.folder, self.record_key), what="an exit status")


@dataclass
class Scene:
    """One node of this host, workers dead or alive in name only, and jobs that run."""

    engine: Engine
    settings: Settings
    mark: str
    jobs: list[Running] = field(default_factory=list)
    locks: list[Connection] = field(default_factory=list)
    server: LaunchServer = field(default_factory=LaunchServer)

    def __post_init__(self) -> None:
        self.spool = str(self.settings.home / "spool")
        prepare_root(self.spool)
        self.execute("INSERT INTO nodes (name, cpus, memory_mb) VALUES ('node1', 64, 65536)")

    def execute(self, sql: str, **params: Any) -> Any:
        """Run a statement; its first value, if it returns any."""
        with self.engine.begin() as conn:
            return conn.scalar(text(sql), params)

    def worker(
        self,
        *,
        alive: bool = False,
        machine_id: str | None = None,
        boot_id: str | None = None,
        hostname: str | None = None,
    ) -> int:
        """A worker row of this host (or another); a live one holds its lock, a dead one's process is gone."""
        host = this_host()
        worker_id: int = self.execute(
            "INSERT INTO workers (node_name, hostname, machine_id, boot_id, pid, process_start, pid_namespace, spool,"
            " version) VALUES ('node1', :name, :machine, :boot, 4194303, 1, :namespace, :spool, 'test') RETURNING id",
            name=hostname or ("host" if machine_id else host.hostname),
            machine=machine_id or host.machine_id, boot=boot_id or host.boot_id, namespace=host.pid_namespace,
            spool=self.spool,
        )  # fmt: skip
        if machine_id or hostname:
            self.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = :id", id=worker_id)
        if alive:  # its lease outlasts the slowest test
            self.execute("UPDATE workers SET heartbeat_at = now() + interval '1 hour' WHERE id = :id", id=worker_id)
            self.locks.append(self.engine.connect())
            assert try_session_lock(self.locks[-1], WORKER_LOCK, worker_id)
            self.locks[-1].commit()
        return worker_id

    def allocate(self, worker_id: int, script: str = "sleep 600\n", **fields: Any) -> tuple[int, int]:
        """A *starting* job: (job id, allocation id)."""
        with self.engine.begin() as conn:
            [job_id] = machine.submit(conn, [request(script=script, **fields)], "tester@here")
            [(allocation_id, _, _)] = machine.allocate(conn, [Placement(job_id, "node1", worker_id)])
            machine.claim(conn, worker_id, [allocation_id])
        return job_id, allocation_id

    def overrun(self, job_id: int, seconds: int) -> None:
        """Bring a job over its limit by moving that before its start: the start of a process cannot be forged."""
        for name in ("check", "rule"):
            self.execute(f"ALTER TABLE jobs DROP CONSTRAINT IF EXISTS jobs_time_limit_{name}")
        self.execute("UPDATE jobs SET time_limit = -:seconds WHERE id = :id", seconds=seconds, id=job_id)

    def run(
        self,
        worker_id: int,
        script: str = "sleep 600\n",
        boot_id: str | None = None,
        pid_namespace: int | None = None,
        cookie: str | None = None,
        **fields: Any,
    ) -> Running:
        """A job whose process runs, committed as the worker's; of another boot, namespace or cookie when told so."""
        job_id, allocation_id = self.allocate(worker_id, script, **fields)
        granted = self.execute("SELECT cookie FROM resource_allocations WHERE id = :id", id=allocation_id)
        key = self.execute("SELECT record_key FROM resource_allocations WHERE id = :id", id=allocation_id)
        folder = Folder(f"{self.spool}/{allocation_id}", job_id)
        environment = job_environment(
            {MARK: self.mark}, job_id=job_id, allocation_id=allocation_id, cookie=cookie or granted, node="node1"
        )
        launch = Launch(folder, allocation_id, granted, script, (), environment, "/", Orders(key))
        gated = launched(self.server, launch)
        who = gated.identity
        boot_id, pid_namespace = boot_id or who.boot_id, pid_namespace or who.pid_namespace
        started = Started(allocation_id, who.pid, who.start_ticks, boot_id, pid_namespace, folder.path)
        with self.engine.begin() as conn:
            assert machine.commit_start(conn, worker_id, [started], "worker:node1")
        assert gated.open_gate()
        self.jobs.append(Running(job_id, allocation_id, gated, folder.path, key))
        return self.jobs[-1]

    def finished(self, worker_id: int, state: str = "FAILED", script: str = "sleep 600\n") -> Running:
        """A job that runs although somebody has typed its end in SQL."""
        job = self.run(worker_id, script)
        self.execute("UPDATE jobs SET state = CAST(:state AS job_state) WHERE id = :id", state=state, id=job.id)
        return job

    def state(self, job_id: int) -> str:
        """The job's state."""
        with self.engine.connect() as conn:
            return str(column(conn, job_id, "state"))

    def columns(self, job_id: int, *names: str) -> tuple[Any, ...]:
        """Columns of the job."""
        with self.engine.connect() as conn:
            return tuple(column(conn, job_id, name) for name in names)

    def held_allocations(self) -> int:
        """Unreleased allocations of all jobs."""
        return int(self.execute("SELECT count(*) FROM resource_allocations WHERE NOT released"))

    def events(self, job_id: int) -> list[str]:
        """Actions of the job's audit."""
        with self.engine.connect() as conn:
            return list(conn.scalars(text("SELECT action FROM events WHERE job_id = :id ORDER BY id"), {"id": job_id}))

    def marked(self) -> list[int]:
        """Processes of the scene."""
        return marked(self.mark)

    def kill_marked(self) -> None:
        """kill -9 for all processes of the scene."""
        reap_marked(self.mark)

    def close(self) -> None:
        """Kill what is left of the jobs' supervisors; give connections back."""
        for job in self.jobs:
            job.gated.close_gate()
            if not is_gone(job.pid):
                os.kill(job.pid, signal.SIGKILL)
            job.ended()
            os.close(job.gated.pidfd)
        for conn in self.locks:
            conn.close()


@contextlib.contextmanager
def scene(engine: Engine, settings: Settings, mark: str) -> Iterator[Scene]:
    """A scene that is cleared away afterwards; what its jobs left is killed by the fixture ``mark``."""
    made = Scene(engine, settings, mark)
    try:
        yield made
    finally:
        made.close()

"""Real workers for the tests, on one database, with jobs whose every step a test can wait for."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, Row, text
from jobwarden.backend.domain.request import JobRequest
from jobwarden.backend.process.identity import this_host
from jobwarden.backend.process.record import Record, read_record
from jobwarden.backend.state import machine
from tests.support.cli import Cli
from tests.support.processes import MARK, has_child, is_gone, kill_hard, wait_until

PATIENCE = 60.0
"""Seconds to wait for anything: generous, because a test machine may be busy with other things."""

FAST = {
    "JOBWARDEN_NODE_CPUS": "64",
    "JOBWARDEN_NODE_MEMORY_MB": "65536",
    "JOBWARDEN_LEASE_SECONDS": "3",
    "JOBWARDEN_HEARTBEAT_SECONDS": "0.5",
    "JOBWARDEN_KILL_GRACE_SECONDS": "1",
    "JOBWARDEN_POLL_SECONDS": "0.2",
}

UNTIL_GO = 'until [ -e "$1" ]; do sleep 0.05; done\n'
"""Shell: wait until the file in $1 is there."""


@dataclass
class Worker:
    """A started ``jobwarden worker``."""

    node: str
    process: subprocess.Popen[bytes]
    log: Path
    id: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def term(self) -> int:
        """TERM; its exit status."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        wait_until(lambda: self.process.poll() is not None, PATIENCE, f"the worker to end, which said\n{self.said}")
        return self.process.returncode


@dataclass
class Farm:
    """Starts workers, submits jobs, and looks at what is recorded of them. ``work`` is where the jobs run."""

    cli: Cli
    engine: Engine
    settings: Settings
    mark: str
    work: Path
    all: list[Worker] = field(default_factory=list)

    # Workers ----------------------------------------------------------------------------------------------------

    def worker(self, *args: str, node: str = "node1", prefix: Sequence[str] = (), **env: str) -> Worker:
        """Start one and wait until it has recovered what there was."""
        worker = self.launch(*args, node=node, prefix=prefix, **env)

        def ready() -> bool:
            assert worker.process.poll() is None, worker.said
            return f"has node {node}" in worker.said

        wait_until(ready, PATIENCE, "the worker")
        worker.id = self.scalar("SELECT max(id) FROM workers WHERE pid = :pid", pid=worker.pid)
        return worker

    def launch(self, *args: str, node: str = "node1", prefix: Sequence[str] = (), **env: str) -> Worker:
        """Start one, through the command ``prefix`` if any, and do not wait for anything."""
        log = self.work / f"worker-{len(self.all)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*prefix, *self.cli.command("worker", *args)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd="/", env={**self.cli.env, "JOBWARDEN_NODE_NAME": node, **env},
            )  # fmt: skip
        self.all.append(Worker(node, process, log))
        return self.all[-1]

    def spool(self, node: str = "node1") -> Path:
        return self.settings.home / "spool" / node

    def clean_up(self) -> None:
        """kill -9 for every worker; the jobs go by their mark."""
        for worker in self.all:
            if worker.process.poll() is None:
                worker.kill()

    # Jobs -------------------------------------------------------------------------------------------------------

    def request(self, script: str, *arguments: str, env: Mapping[str, str] | None = None, **fields: Any) -> JobRequest:
        """A job in the work directory, marked so that the test leaves nothing behind."""
        values = {"work_dir": str(self.work), "account": "tester", **fields}
        return JobRequest(
            script=f"#!/bin/sh\n{script}\n", arguments=arguments, environment={MARK: self.mark, **(env or {})}, **values
        )

    def submit(self, script: str, *arguments: str, **fields: Any) -> int:
        """Submit a shell script; its job id."""
        with self.engine.begin() as conn:
            return machine.submit(conn, [self.request(script, *arguments, **fields)], "tester")[0]

    def submit_waiting(self, script: str = "", name: str = "go", **fields: Any) -> tuple[int, Path]:
        """A job that does ``script`` and then waits for the returned file; ends with its content as exit code."""
        go = self.work / name
        return self.submit(f'{script}\n{UNTIL_GO}exit "$(cat "$1")"', str(go), **fields), go

    def end(self, job_id: int, action: machine.EndCommand) -> None:
        """Ask for the end of a running job as an operator does."""
        with self.engine.begin() as conn:
            assert machine.request_end(conn, [job_id], action, "op@desk", "test")

    # Looking ----------------------------------------------------------------------------------------------------

    def rows(self, statement: str, **params: Any) -> list[Row]:
        with self.engine.begin() as conn:
            return list(conn.execute(text(statement), params))

    def scalar(self, statement: str, **params: Any) -> Any:
        return self.rows(statement, **params)[0][0]

    def execute(self, statement: str, **params: Any) -> None:
        """SQL as typed by hand."""
        with self.engine.begin() as conn:
            conn.execute(text(statement), params)

    def forge(self, statement: str, **params: Any) -> None:
        """Write with the guards of the database off: what only another host or another boot could have written."""
        with self.engine.begin() as conn:
            conn.execute(text("SET LOCAL session_replication_role = replica"))
            conn.execute(text(statement), params)

    def job(self, job_id: int) -> Row:
        return self.rows("SELECT * FROM jobs WHERE id = :job", job=job_id)[0]

    def allocation(self, job_id: int) -> Row:
        """The latest allocation."""
        return self.rows("SELECT * FROM resource_allocations WHERE job_id = :job ORDER BY id DESC", job=job_id)[0]

    def events(self, job_id: int) -> list[str]:
        """The actions, in order."""
        return [row[0] for row in self.rows("SELECT action FROM events WHERE job_id = :job ORDER BY id", job=job_id)]

    def started(self, job_id: int) -> Row:
        """The allocation, once the script runs, or did: before its gate opens, no job outlives its worker."""
        wait_until(lambda: self.job(job_id).start_time is not None, PATIENCE, f"the start of job {job_id}")
        found = self.allocation(job_id)
        if found.pid_namespace == this_host().pid_namespace:
            wait_until(lambda: has_child(found.process_id), PATIENCE, f"the script of job {job_id}")
        return found

    def ended(self, job_id: int) -> Row:
        """The job, once it is final and holds nothing any more."""

        def over() -> bool:
            state, held = self.job(job_id).state, self.scalar(
                "SELECT count(*) FROM resource_allocations WHERE job_id = :job AND NOT released", job=job_id
            )  # fmt: skip
            return state in ("COMPLETED", "FAILED", "CANCELLED") and held == 0

        wait_until(over, PATIENCE, f"the end of job {job_id}, which is {self.job(job_id)}")
        return self.job(job_id)

    def log(self, job_id: int) -> bytes:
        """What it has written so far; nothing before it started."""
        folder = self.scalar(
            "SELECT spool_dir FROM resource_allocations WHERE job_id = :job ORDER BY id DESC", job=job_id
        )
        return b"" if folder is None else (Path(folder) / "output.log").read_bytes()

    def record(self, job_id: int) -> Record | None:
        allocation = self.allocation(job_id)
        return read_record(allocation.spool_dir, allocation.record_key)

    def recorded(self, job_id: int) -> Record:
        """The record of a job that has ended."""
        record = self.record(job_id)
        assert record is not None, f"job {job_id} has no record"
        return record

    def number(self, name: str) -> int:
        """The number that a job writes, as a line, into a file of the work directory."""
        file = self.work / name
        wait_until(lambda: file.exists() and file.read_text().endswith("\n"), PATIENCE, f"{file}")
        return int(file.read_text())

    def gone(self, *pids: int) -> None:
        """Wait until none of these processes runs."""
        for pid in pids:
            wait_until(partial(is_gone, pid), PATIENCE, f"the end of {pid}")

    def kill_processes(self, *pids: int) -> None:
        """kill -9, the last first so that nobody is left to record anything of the others."""
        for pid in pids:
            kill_hard(pid)


def go(file: Path, code: int = 0) -> None:
    """Let a job of ``submit_waiting`` end with ``code``; the file appears complete."""
    new = file.with_suffix(".new")
    new.write_text(f"{code}\n")
    new.rename(file)


def alive(pid: int) -> bool:
    """Whether the process runs."""
    return not is_gone(pid)


def hang(pid: int) -> Callable[[], None]:
    """SIGSTOP and wait until it has stopped; call the result for SIGCONT."""
    os.kill(pid, signal.SIGSTOP)
    stat = Path(f"/proc/{pid}/stat")
    wait_until(lambda: stat.read_text().rpartition(") ")[2].startswith("T"), PATIENCE, f"{pid} to stop")
    return lambda: os.kill(pid, signal.SIGCONT)

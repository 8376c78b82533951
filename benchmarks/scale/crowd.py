"""Many jobs at once: real ones that a worker starts, and forged ones that died with their worker."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.site import Site, wait_for
from jobwarden.backend.database.driver import text
from jobwarden.backend.domain.request import JobRequest
from jobwarden.backend.process.identity import this_host
from jobwarden.backend.process.procfs import scan
from jobwarden.backend.process.record import NAME, RECORD_SIZE, seal
from jobwarden.backend.process.spool import Folder
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import LaunchOrder, Placement, Started

SCRIPT = "#!/bin/sh\nexec sleep 86400\n"
BATCH = 1000
NO_SUCH_PID = 4194303  # PID_MAX_LIMIT - 1: the last that the kernel would ever give

STARTED = text("SELECT count(*) FROM jobs WHERE state = 'RUNNING' AND start_time IS NOT NULL")
SUPERVISORS = text("SELECT process_id FROM resource_allocations WHERE NOT released ORDER BY job_id LIMIT :number")
NEWEST_WORKER = text("SELECT id FROM workers ORDER BY id DESC LIMIT 1")
COOKIES = text("SELECT cookie FROM resource_allocations")


def run_sleepers(site: Site, number: int) -> list[int]:
    """Submit that many jobs that sleep, and wait until a worker has started them; their ids."""
    with site.engine.begin() as conn:
        ids = machine.submit(conn, [_request()] * number, "benchmark")
    wait_for(f"{number} running jobs", lambda: started(site) == number)
    return ids


def started(site: Site) -> int:
    """How many jobs run."""
    with site.engine.connect() as conn:
        return int(conn.scalar(STARTED) or 0)


def kill_whole_jobs(site: Site, number: int) -> None:
    """kill -9 for that many running jobs, supervisor first, so that no exit status is left."""
    with site.engine.connect() as conn:
        pids = set(conn.scalars(SUPERVISORS, {"number": number}))
    members = scan().sessions
    for pid in pids:
        for process in [pid, *(member.pid for member in members.get(pid, ()) if member.pid != pid)]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def forge_dead(site: Site, number: int, spool: str) -> None:
    """RUNNING jobs of the newest worker that have no process; every second one left its exit status in the spool."""
    for first in range(0, number, BATCH):
        with site.engine.begin() as conn:
            worker = int(conn.scalar(NEWEST_WORKER) or 0)
            jobs = machine.submit(conn, [_request()] * min(BATCH, number - first), "benchmark")
            node = site.settings.node_name
            granted = machine.allocate(conn, [Placement(job, node, worker) for job in jobs])
            orders = machine.claim(conn, worker, [allocation for allocation, _, _ in granted])
            dead = [_folder(spool, order) for order in orders]
            machine.commit_start(conn, worker, dead, f"worker:{node}")


def _request() -> JobRequest:
    return JobRequest(script=SCRIPT, account="benchmark", work_dir="/", memory_mb=1)


def _folder(spool: str, order: LaunchOrder) -> Started:
    folder = Folder(f"{spool}/{order.allocation_id}", order.job_id)
    Path(folder.path).mkdir(0o700)
    for name, content in ((folder.script, SCRIPT), (folder.log, ""), (f"{folder.path}/{NAME}", " " * RECORD_SIZE)):
        Path(name).write_text(content, "ascii")
    if order.allocation_id % 2:
        Path(folder.path, NAME).write_text(_record(order.record_key), "ascii")
    host = this_host()
    return Started(order.allocation_id, NO_SUCH_PID, 1, host.boot_id, host.pid_namespace, folder.path)


def _record(key: str) -> str:
    """What a supervisor leaves of a script that ended well, with nothing behind it."""
    said = f"exit 0 {time.time_ns()} 1000 1000 2000"
    line = f"{said} {seal(said.encode(), key)}\n"
    return f"{line}gone {seal(f'{line}gone'.encode(), key)}\n"


def end_everything(site: Site) -> None:
    """Leave no process of any job behind, however the measurement went."""
    with site.engine.connect() as conn:
        cookies = set(conn.scalars(COOKIES))
    for cookie, processes in scan().cookies.items():
        for process in processes if cookie in cookies else ():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

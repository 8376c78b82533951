"""The three measurements, on one installation, each on what the one before has left."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scale import crowd
from benchmarks.site import Site, wait_for
from jobwarden.backend.database.driver import Statement, text

HELD = text("SELECT count(*) FROM resource_allocations WHERE NOT released")
ADOPTED = text(
    "SELECT count(*) FROM resource_allocations WHERE NOT released AND worker_id = (SELECT max(id) FROM workers)"
)
TRUE_OUTCOMES = text("SELECT count(*) FROM jobs WHERE state = 'COMPLETED'")
REST_SECONDS = 2.0
"""Time that a worker gets to come to rest before it is weighed."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each. ``alive`` of ``recovered`` jobs still run when the next worker comes."""

    running: int = 2000
    orphans: int = 1000
    recovered: int = 10_000
    alive: int = 500


@dataclass(frozen=True, slots=True)
class Weights:
    """Resident memory of a worker, MiB: doing nothing, and with all jobs running."""

    empty: float
    full: float


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A clean-up: how long, how many results, and how many counts of jobs done it showed meanwhile."""

    seconds: float
    results: int
    progress: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """A recovery: seconds from the start of the process until all is settled; largest resident memory, MiB."""

    seconds: float
    working: float
    peak: float
    completed: int


def weigh(site: Site, sizes: Sizes, tell: Tell) -> tuple[Weights, subprocess.Popen[bytes]]:
    """What a worker weighs with so many running jobs; it is left running."""
    process = site.worker()
    wait_for("the worker", lambda: "has node" in site.worker_log)
    time.sleep(REST_SECONDS)
    empty = resident(process.pid)
    tell(f"starting {sizes.running} jobs")
    crowd.run_sleepers(site, sizes.running)
    time.sleep(REST_SECONDS)
    return Weights(empty, resident(process.pid)), process


def clean(site: Site, sizes: Sizes, tell: Tell) -> Cleaned:
    """One clean-up of so many orphans by the command, as a person runs it."""
    tell(f"cleaning up {sizes.orphans} orphans")
    command = site.command("clean", *(str(job) for job in range(1, sizes.orphans + 1)), "--yes")
    terminal, stderr = os.openpty()  # progress is for people: without a terminal there is none
    output = (site.folder / "clean.log").open("w+b")
    began = time.monotonic()
    process = subprocess.Popen(command, env=site.environment, stdout=output, stderr=stderr)
    os.close(stderr)
    shown = _read_to_the_end(terminal)
    code, seconds = process.wait(), time.monotonic() - began
    if code != 0:
        raise RuntimeError(f"the clean-up failed: {shown[-500:]!r}")
    output.seek(0)
    ended = sum(b"released" in line for line in output)
    output.close()
    return Cleaned(seconds, ended, len(set(re.findall(rb"(\d+)/\d+", shown))))


def _read_to_the_end(terminal: int) -> bytes:
    """All that is written to a pseudo terminal until its last writer has gone, which is an error to the kernel."""
    parts = []
    with suppress(OSError):
        while part := os.read(terminal, 1 << 16):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts)


def recover(site: Site, sizes: Sizes, tell: Tell) -> tuple[Recovered, subprocess.Popen[bytes]]:
    """The recovery of so many RUNNING jobs of which most are dead; the worker is left running."""
    tell(f"preparing {sizes.recovered} jobs of a dead worker")
    crowd.kill_whole_jobs(site, crowd.started(site) - sizes.alive)
    with site.engine.connect() as conn:
        held = int(conn.scalar(HELD) or 0)
        before = int(conn.scalar(TRUE_OUTCOMES) or 0)
    spool = str(site.settings.home / "spool" / site.settings.node_name)
    crowd.forge_dead(site, sizes.recovered - held, spool)
    tell("recovering")
    said = site.worker_log.count("has node")
    began = time.monotonic()
    process = site.worker()
    wait_for("the recovery", lambda: _count(site, HELD) == sizes.alive == _count(site, ADOPTED))
    seconds = time.monotonic() - began
    wait_for("the worker to be ready", lambda: site.worker_log.count("has node") > said)
    completed = _count(site, TRUE_OUTCOMES) - before
    time.sleep(REST_SECONDS)
    return Recovered(seconds, resident(process.pid), peak(process.pid), completed), process


def resident(pid: int) -> float:
    """Resident memory of a process now, MiB."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> float:
    """The most it ever had, MiB."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def _count(site: Site, statement: Statement) -> int:
    with site.engine.connect() as conn:
        return int(conn.scalar(statement) or 0)

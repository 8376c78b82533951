"""Kill, pause or burden a worker that runs jobs, and look as the commands and the dashboard do."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from signal import SIGCONT, SIGSTOP

from benchmarks.notice.screen import Screen
from benchmarks.site import Site, wait_for
from jobwarden.backend.anomalies import detect
from jobwarden.backend.database.driver import text
from jobwarden.backend.domain.request import JobRequest
from jobwarden.backend.domain.states import AnomalyKind, WorkerState
from jobwarden.backend.queries.workers import read_workers
from jobwarden.backend.state import machine

JOBS = 5
LOOK_SECONDS = 0.01
BLIND = 60.0
"""Seconds after which something was not noticed at all."""

IN_WORKERS, IN_ORPHANS = "`workers`: DEAD", "`orphans`: every job ORPHAN"
ON_SCREEN_DEAD, ON_SCREEN_ORPHANS = "dashboard: dead worker", "dashboard: every job ORPHAN"

STARTED = text("SELECT count(*) FROM jobs WHERE state = 'RUNNING' AND start_time IS NOT NULL")

Times = dict[str, list[float]]
"""Where it was seen: seconds of each time."""


@dataclass(slots=True)
class Subject:
    """A worker with jobs, and two ways to look at it."""

    site: Site
    screen: Screen
    process: subprocess.Popen[bytes] = field(init=False)

    def prepare(self) -> None:
        """Start a worker and jobs that outlast every measurement."""
        self.process = self.site.worker()
        request = JobRequest(script="#!/bin/sh\nexec sleep 86400\n", work_dir="/", account="benchmark", memory_mb=16)
        with self.site.engine.begin() as conn:
            machine.submit(conn, [request] * JOBS, "benchmark")
        self.settle()

    def settle(self) -> None:
        """Wait until all is well again, and every looker says so."""
        wait_for("a live worker with its jobs", lambda: self._states() == [WorkerState.ONLINE] and self._running())
        wait_for("no anomaly", lambda: self.flagged() == 0)
        wait_for("a gc_pauses dashboard", lambda: self.screen.orphans() == 0 and not self.screen.shows_dead())

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start the next worker, which adopts the jobs."""
        self.process = self.site.worker()
        self.settle()

    def end(self) -> None:
        """End the jobs, then the worker."""
        command = self.site.command("kill", *(str(job) for job in range(1, JOBS + 1)), "--yes")
        subprocess.run(command, env=self.site.environment, capture_output=True, check=False)
        self.process.terminate()
        self.process.wait()

    def is_dead(self) -> bool:
        """Whether the read model calls the newest worker DEAD."""
        return self._states() == [WorkerState.DEAD]

    def flagged(self) -> int:
        """How many jobs the read model flags as ORPHAN."""
        with self.site.engine.connect() as conn:
            return sum(row.kind is AnomalyKind.ORPHAN for row in detect.find(conn, self.site.settings))

    def _states(self) -> list[WorkerState]:
        with self.site.engine.connect() as conn:
            return [worker.state for worker in read_workers(conn)[:1]]

    def _running(self) -> bool:
        with self.site.engine.connect() as conn:
            return bool(conn.scalar(STARTED) == JOBS)


def time_kills(subject: Subject, number: int, tell: Callable[[str], None]) -> Times:
    """Kill the worker ``number`` times; seconds from each kill until it was seen."""
    times: Times = defaultdict(list)
    for done in range(1, number + 1):
        _until_seen(subject, subject.kill, times)
        subject.restart()
        tell(f"{done} of {number} kills")
    return dict(times)


def time_pauses(subject: Subject, number: int, tell: Callable[[str], None]) -> Times:
    """Stop the worker ``number`` times; seconds from each stop until its lease had ended and that was seen."""
    times: Times = defaultdict(list)
    for done in range(1, number + 1):
        _until_seen(subject, lambda: subject.process.send_signal(SIGSTOP), times)
        subject.process.send_signal(SIGCONT)
        subject.settle()
        tell(f"{done} of {number} pauses")
    return dict(times)


def _until_seen(subject: Subject, action: Callable[[], None], times: Times) -> None:
    """Every looker looks from a thread of its own, all of the time; a blind one is noted as infinitely late."""
    looks: dict[str, Callable[[], bool]] = {
        IN_WORKERS: subject.is_dead,
        IN_ORPHANS: lambda: subject.flagged() == JOBS,
        ON_SCREEN_DEAD: subject.screen.shows_dead,
        ON_SCREEN_ORPHANS: lambda: subject.screen.orphans() == JOBS,
    }
    began = time.monotonic()

    def watch(where: str, look: Callable[[], bool]) -> None:
        while not (seen := look()) and time.monotonic() - began < BLIND:
            time.sleep(LOOK_SECONDS)
        times[where].append(time.monotonic() - began if seen else float("inf"))

    threads = [threading.Thread(target=watch, args=item, daemon=True) for item in looks.items()]
    action()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@dataclass(slots=True)
class Alarms:
    """False alarms of a healthy worker: ``looks`` at it, how often it was called dead or had orphans."""

    looks: int = 0
    false: int = 0
    on_screen: int = 0
    oldest_heartbeat: float = 0.0


def count_false_alarms(subject: Subject, seconds: float, busy: int) -> Alarms:
    """Look at a healthy worker for so long while ``busy`` processes take all CPU time that they can get."""
    alarms, end = Alarms(), time.monotonic() + seconds
    with _load(busy):
        while time.monotonic() < end:
            alarms.looks += 1
            alarms.false += subject.is_dead() or subject.flagged() > 0
            alarms.on_screen += subject.screen.shows_dead() or subject.screen.orphans() > 0
            with subject.site.engine.connect() as conn:
                alarms.oldest_heartbeat = max(alarms.oldest_heartbeat, read_workers(conn)[0].lease_age)
            time.sleep(0.1)
    return alarms


@contextmanager
def _load(busy: int) -> Iterator[None]:
    spinners = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) for _ in range(busy)]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()

"""The real processes of a job, as a tree: what an operator looks at, and who the victims of a kill would be.

Which processes they are is decided by ``jobwarden.backend.process.members``; psutil says how they do.
"""

import time
from collections.abc import Sequence

from jobwarden.backend.anomalies.attempts import LATEST_OF_JOBS, Attempt, read_attempts
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.process.identity import Liveness, Stat, elapsed_seconds, liveness
from jobwarden.backend.process.members import Family, Target, family
from jobwarden.backend.process.procfs import ProcessSnapshot, command_line, scan
from jobwarden.backend.queries.models.processes import ProcessRow, ProcessTree

__all__ = ["ProcessReader", "ProcessRow", "ProcessTree", "targets_of"]

MIB = 1 << 20
LIMIT = 1000
"""Processes of one job that are read: reading each costs about 0.1 ms, and a fork bomb has very many."""
FORGET_SECONDS = 60.0
"""After so long without a look a process's CPU time is forgotten."""


def targets_of(conn: Connection, job_ids: Sequence[int]) -> dict[int, Attempt]:
    """The latest attempt of each job, by job; jobs that were never tried are missing."""
    return {attempt.job_id: attempt for attempt in read_attempts(conn, LATEST_OF_JOBS, ids=list(job_ids))}


class ProcessReader:
    """Reads trees, and remembers CPU times so that the next look can tell what was used in between.

    One reader for one screen; not for several threads at once.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], tuple[float, float]] = {}

    def read(self, conn: Connection, job_id: int) -> ProcessTree:
        """The processes of a job's latest attempt."""
        attempt = targets_of(conn, [job_id]).get(job_id)
        return self.of_attempt(attempt, scan()) if attempt else ProcessTree(unseen="it was never started")

    def of_attempt(self, attempt: Attempt, snapshot: ProcessSnapshot, limit: int = LIMIT) -> ProcessTree:
        """The processes of an attempt in ``snapshot``."""
        if not attempt.started:
            return ProcessTree(unseen="it has not started yet")
        if not attempt.here:
            return ProcessTree(unseen=f"they can only be seen on host {attempt.hostname}")
        return self.of_target(attempt.target, snapshot, limit)

    def of_target(self, target: Target, snapshot: ProcessSnapshot, limit: int = LIMIT) -> ProcessTree:
        """The processes of a target whose attempt is known to be of this host."""
        if liveness(target.identity) is Liveness.UNKNOWN:
            return ProcessTree(unseen="they are in another PID namespace or hidden from this user")
        found = family(target, snapshot)
        now, everybody = time.monotonic(), in_order(found)
        tree = ProcessTree(
            tuple(self._row(process, depth, now, found) for process, depth in everybody[:limit]),
            tuple(self._row(process, 0, now, found) for process in found.suspects[:limit]),
            more=max(0, len(everybody) - limit),
        )
        self._forget(now)
        return tree

    def _row(self, process: Stat, depth: int, now: float, found: Family) -> ProcessRow:
        age = elapsed_seconds(process.start_ticks)
        user, cpu, memory = self._usage(process, now, age)
        return ProcessRow(
            pid=process.pid,
            ppid=process.ppid,
            depth=depth,
            state=process.state,
            age_seconds=age,
            cmdline=command_line(process.pid),
            user=user,
            cpu_percent=cpu,
            memory_mb=memory,
            supervisor=found.shim is not None and process.pid == found.shim.pid,
        )

    def _usage(self, process: Stat, now: float, age: float) -> tuple[str, float | None, float | None]:
        """User, CPU % and MiB; nothing of a process that ended meanwhile or is hidden from this user."""
        import psutil  # not above: verbs that act import this module and rarely look at a process

        try:
            shown = psutil.Process(process.pid)
            with shown.oneshot():
                times = shown.cpu_times()
                user, resident = shown.username(), shown.memory_info().rss / MIB
        except psutil.Error:
            return "", None, None
        return user, self._percent(process, times.user + times.system, now, age), resident

    def _percent(self, process: Stat, used: float, now: float, age: float) -> float | None:
        before, then = self._seen.get((process.pid, process.start_ticks), (0.0, now - age))
        self._seen[process.pid, process.start_ticks] = (used, now)
        return 100 * max(0.0, used - before) / (now - then) if now > then else None

    def _forget(self, now: float) -> None:
        for key in [key for key, (_, at) in self._seen.items() if now - at > FORGET_SECONDS]:
            del self._seen[key]


def in_order(found: Family) -> list[tuple[Stat, int]]:
    """Processes with their depth below the topmost ones of the family, each parent before its children."""
    everybody = [*([found.shim] if found.shim else []), *found.others]
    known = {process.pid for process in everybody}
    children: dict[int, list[Stat]] = {}
    for process in sorted(everybody, key=lambda process: (process.start_ticks, process.pid)):
        children.setdefault(process.ppid if process.ppid in known else 0, []).append(process)
    ordered: list[tuple[Stat, int]] = []
    left = [(process, 0) for process in reversed(children.get(0, []))]
    while left:
        process, depth = left.pop()
        ordered.append((process, depth))
        left += [(child, depth + 1) for child in reversed(children.pop(process.pid, []))]
    return ordered

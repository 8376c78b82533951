"""Kill on this node by what its spool says, when the database cannot be asked. It is recorded when that is back."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobwarden.backend.actions.results import ItemResult, done, nothing, refused
from jobwarden.backend.domain.units import name_processes
from jobwarden.backend.files import opened_folder
from jobwarden.backend.process.identity import Liveness, liveness, this_host
from jobwarden.backend.process.identity_file import KillOrder, Named, read_identity, write_order
from jobwarden.backend.process.members import Target, family
from jobwarden.backend.process.procfs import ProcessSnapshot, read_allocation, read_cookie, scan
from jobwarden.backend.process.spool import allocation_folders, node_directories
from jobwarden.backend.process.termination import TerminationResult, end_trees, tell_survivors

KILLED = "its processes are gone; FAILED is recorded when a worker of this node reaches the database"
UNKNOWN = "is not in the spool of this home"


@dataclass(frozen=True, slots=True)
class FoundAttempt:
    """An attempt to run a job that has a folder in the spool of this home."""

    named: Named
    folder: str

    @property
    def target(self) -> Target:
        """For the kill logic. Without the key, which only the database has, no record proves anything."""
        return Target(self.named.identity, self.named.cookie, self.folder, None)


def kill_here(
    home: Path, job_ids: Sequence[int], actor: str, reason: str | None, grace_seconds: float, *, dry_run: bool = False
) -> list[ItemResult]:
    """Kill jobs of this node and leave in each folder who wanted it and why; a result for each, in their order.

    Only a process that proves to be of the job is signalled. Raises OSError when the spool cannot be read.
    """
    snapshot = scan()
    living = _living(home, set(job_ids), snapshot)
    results: dict[int, ItemResult] = {}
    ordered: list[FoundAttempt] = []
    for job_id in job_ids:
        attempts = living.get(job_id, [])
        objection = next((why for one in attempts if (why := _objection(one, snapshot))), None)
        if job_id not in living:
            results[job_id] = refused(job_id, UNKNOWN)
        elif not attempts:
            results[job_id] = nothing(job_id, "no longer has a process here: nothing to do")
        elif objection:
            results[job_id] = refused(job_id, objection)
        elif dry_run:
            results[job_id] = nothing(job_id, f"would be killed (supervisor pid {attempts[0].named.identity.pid})")
        else:
            order = KillOrder(actor, time.time_ns(), reason)
            try:
                for one in attempts:
                    write_order(one.folder, order)
            except OSError as error:
                results[job_id] = refused(job_id, f"{attempts[0].folder} cannot be written: {error.strerror}")
            else:
                ordered += attempts
    for one, ended in zip(ordered, end_trees([one.target for one in ordered], grace_seconds), strict=True):
        results[one.named.job_id] = _result(one, ended)
    return [results[job_id] for job_id in job_ids]


def _result(one: FoundAttempt, ended: TerminationResult) -> ItemResult:
    if ended.proven_gone:
        return done(one.named.job_id, KILLED)
    left = tell_survivors(ended.survivors, one.named.identity.pid)
    return refused(one.named.job_id, f"{ended.detail}: {left}" if left else ended.detail)


def _living(home: Path, job_ids: set[int], snapshot: ProcessSnapshot) -> dict[int, list[FoundAttempt]]:
    """The attempts of these jobs of which something may live, by job; none of them for one that is over."""
    found: dict[int, list[FoundAttempt]] = {}
    for root in node_directories(Path(os.path.realpath(home)) / "spool")[0]:
        with opened_folder(str(root)) as root_fd:
            names = allocation_folders(root_fd)[0]
        for name in names:
            named = read_identity(f"{root}/{name}")
            if named is None or named.job_id not in job_ids or named.allocation_id != int(name):
                continue
            one = FoundAttempt(named, f"{root}/{name}")
            attempts = found.setdefault(named.job_id, [])
            if named.identity.boot_id == this_host().boot_id and _lives(one, snapshot):
                attempts.append(one)
    return found


def _lives(one: FoundAttempt, snapshot: ProcessSnapshot) -> bool:
    return liveness(one.named.identity) is not Liveness.GONE or not family(one.target, snapshot).empty


def _objection(one: FoundAttempt, snapshot: ProcessSnapshot) -> str | None:
    """Why nothing may be signalled: what the folder says could be a lie of its job, and name anybody's process."""
    alive = liveness(one.named.identity)
    pid = one.named.identity.pid
    if alive is Liveness.UNKNOWN:
        return f"supervisor pid {pid} cannot be seen from here: act in its PID namespace"
    if alive is Liveness.ALIVE and read_cookie(pid) != one.named.cookie:
        return (
            f"supervisor pid {pid}, which {one.folder} names, does not carry the mark of the job: nothing was signalled"
        )
    for process in snapshot.cookies.get(one.named.cookie, ()):
        if read_allocation(process.pid) not in (None, one.named.allocation_id):
            who = name_processes([process.pid], pid)
            return f"{who}, which {one.folder} names, belongs to another job: nothing was signalled"
    return None

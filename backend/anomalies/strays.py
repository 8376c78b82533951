"""Processes that outlived the release of their job, and those of jobs that the database does not know (any more)."""

import os
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jobwarden.backend.anomalies.attempts import BY_ID, Attempt, read_attempts
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.domain.states import AnomalyKind
from jobwarden.backend.process.identity_file import Named, read_identity
from jobwarden.backend.process.members import cookie_index
from jobwarden.backend.process.procfs import command_line, read_allocation
from jobwarden.backend.queries.models.jobs import AnomalyRow

SCAN_SECONDS = 3.0
"""A scan of /proc is dear with thousands of jobs; between two, what the last one found is looked at again."""

_LIVE_COOKIES = text("SELECT cookie FROM resource_allocations WHERE NOT released")


class Scanner:
    """Finds the cookies on this host, at most every SCAN_SECONDS. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0
        self._found: dict[str, list[int]] = {}

    def cookies(self) -> dict[str, list[int]]:
        """Pids by cookie."""
        with self._lock:
            if time.monotonic() >= self._next:
                self._found = cookie_index()
                self._next = time.monotonic() + SCAN_SECONDS
            return self._found


SCANNER = Scanner()


def find_strays(conn: Connection, scanner: Scanner = SCANNER) -> list[Attempt]:
    """Released attempts of which processes are left on this host. Cookies of other installations are not ours."""
    unexpected = scanner.cookies()
    if unexpected:
        live = set(conn.scalars(_LIVE_COOKIES))
        unexpected = {cookie: pids for cookie, pids in unexpected.items() if cookie not in live}
    if not unexpected:
        return []
    ids = sorted(set(_allocation_ids(pid for pids in unexpected.values() for pid in pids)))
    return [a for a in read_attempts(conn, BY_ID, ids=ids) if a.cookie in unexpected and a.released]


def _allocation_ids(pids: Iterable[int]) -> Iterable[int]:
    """Allocation ids that processes say they are of; to be believed only when the cookie fits."""
    return (allocation for pid in pids if (allocation := read_allocation(pid)) is not None)


# Processes of this home's jobs that the database knows nothing of: it was restored from before they began.
#
# The cookie in the process's environment and the one in the folder of its allocation are the evidence; the number of
# the job is the folder's, and no other job gets it (`jobwarden.backend.worker.registration`).

_COOKIES = text("SELECT id, cookie FROM resource_allocations WHERE id = ANY(:ids)")


@dataclass(frozen=True, slots=True)
class Unknown:
    """What is left of a job that has no record; ``pids`` are all that carry its cookie, its supervisor first."""

    named: Named
    folder: Path
    pids: tuple[int, ...]

    @property
    def evidence(self) -> str:
        """In one line."""
        return f"the database does not know this job {self._left}"

    @property
    def refusal(self) -> str:
        """Why no verb does anything to it, and how one ends it: what follows the words "job ID"."""
        what_to_do = f"look at what it is, then `kill {self.pids[0]}`"
        return f"is not known to the database {self._left}: {what_to_do}"

    @property
    def _left(self) -> str:
        pids = ", ".join(map(str, self.pids[:5]))
        return f"(was it restored?); pid {pids} alive, its folder is {self.folder}"

    @property
    def row(self) -> AnomalyRow:
        """As it is listed."""
        return AnomalyRow(
            job_id=self.named.job_id,
            kind=AnomalyKind.STRAY,
            node_name=self.folder.parent.name,
            process_id=self.pids[0],
            detail=self.evidence,
            job_name="",
            allocation_id=None,
            cmdline=command_line(self.pids[0]),
        )


def find_unknown(conn: Connection, settings: Settings, scanner: Scanner) -> list[Unknown]:
    """Processes of this home whose cookie no allocation has.

    ``conn`` may see a moment before the processes were looked for: what began since then is unknown to it and to
    nobody else. So those that it does not know are asked for once more, on a connection that sees what is now.
    """
    spool = Path(os.path.realpath(settings.home)) / "spool"
    found = [one for cookie, pids in scanner.cookies().items() for one in _of_folder(spool, cookie, pids)]
    found = _not_known(conn, found)
    if not found:
        return []
    with conn.engine.connect() as now:
        return _not_known(now, found)


def _not_known(conn: Connection, found: list[Unknown]) -> list[Unknown]:
    if not found:
        return []
    ids = [one.named.allocation_id for one in found]
    known = {(row.id, row.cookie) for row in conn.execute(_COOKIES, {"ids": ids})}
    return [one for one in found if (one.named.allocation_id, one.named.cookie) not in known]


def _of_folder(spool: Path, cookie: str, pids: list[int]) -> Iterator[Unknown]:
    said = {pid: allocation for pid in pids if (allocation := read_allocation(pid)) is not None}
    if not said:
        return
    allocation = next(iter(said.values()))
    for folder in spool.glob(f"*/{allocation}"):
        named = read_identity(str(folder))
        if named is not None and (named.allocation_id, named.cookie) == (allocation, cookie):
            yield Unknown(named, folder, tuple(sorted(said, key=lambda pid: (pid != named.identity.pid, pid))))


# Why an id that was named is not in the database: archived, forgotten while its processes live, or never given.


def forgotten(conn: Connection, settings: Settings, ids: Collection[int]) -> dict[int, str]:
    """Those of ``ids`` whose processes live on this host though the database has no record of them (as `jobwarden
    orphans` lists them), each with what follows the words "job ID"."""
    if not ids:
        return {}
    found = {unknown.named.job_id: unknown.refusal for unknown in find_unknown(conn, settings, SCANNER)}
    return {job_id: found[job_id] for job_id in ids if job_id in found}

"""Processes of this home's jobs that the database knows nothing of: it was restored from before they began.

The cookie in the process's environment and the one in the folder of its allocation are the evidence; the number of the
job is the folder's, and no other job gets it (`backend.worker.ids`).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from backend.anomalies.strays import Scanner
from backend.domain.states import AnomalyKind
from backend.process.identity_file import Named, read_identity
from backend.process.procfs import command_line, read_allocation
from backend.readmodel.records import AnomalyRow
from backend.settings import Settings

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
        what_to_do = f"nobody recorded what it is for; look at it, then `kill {self.pids[0]}`"
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

"""Processes that outlived even the release of their job, found by the cookie in their environment."""

import threading
import time
from collections.abc import Iterable

from sqlalchemy import Connection, text

from backend.anomalies.attempts import BY_ID, Attempt, read_attempts
from backend.process.members import cookie_index
from backend.process.procfs import read_allocation

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

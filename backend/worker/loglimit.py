"""Keeps the logs of the node's jobs within their limit."""

import logging
import threading
from collections.abc import Callable, Collection

from backend.domain.units import format_bytes
from backend.process.logcut import CutError, trim
from backend.worker.unforeseen import contained
from backend.worker.watched import Watched

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between two looks at all logs; what a job writes in that time may go over the limit."""
LAST_LOOKS = 5
"""Looks at a log after its job left the worker's care: a job that was just taken into care may not be in it yet."""


class LogLimiter(threading.Thread):
    """Looks at every log now and then, and a few times more after its job has ended.

    ``tracked`` gives the allocations that are still in care. A limit of 0 means none: then the thread ends at once.
    """

    def __init__(self, limit_mb: int, tracked: Callable[[], Collection[int]]) -> None:
        super().__init__(name="log-limit", daemon=True)
        self._limit, self._tracked = limit_mb << 20, tracked
        self._folders: dict[int, str] = {}
        self._looks_left: dict[int, int] = {}
        self._stop_event = threading.Event()
        self._possible = limit_mb > 0

    def follow(self, watched: Watched) -> None:
        """Look after the log of a job that was taken into care."""
        if self._possible:
            self._folders[watched.allocation_id] = watched.spool_dir

    def stop(self) -> None:
        """Look no more; what is too large by then is cut by the next worker."""
        self._stop_event.set()

    def run(self) -> None:
        """Look until stopped, or until it turns out that this file system cannot do it."""
        while self._possible and not self._stop_event.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """One pass over all logs."""
        tracked = set(self._tracked())
        for allocation_id, folder in self._folders.copy().items():
            with contained(f"the log in {folder}"):
                self._trim(folder)
            left = LAST_LOOKS if allocation_id in tracked else self._looks_left.get(allocation_id, LAST_LOOKS) - 1
            self._looks_left[allocation_id] = left
            if left == 0:
                del self._folders[allocation_id], self._looks_left[allocation_id]

    def _trim(self, folder: str) -> None:
        if not self._possible:
            return
        try:
            cut = trim(folder, self._limit)
        except CutError as exc:
            self._possible = False
            log.warning("log_limit_mb has no effect: the disk of %s cannot shorten a log in use (%s)", folder, exc)
        except OSError as exc:
            log.warning("the log in %s cannot be kept within its limit: %s", folder, exc.strerror)
        else:
            if cut is not None:
                log.info("log in %s: %s cut out of its middle", folder, format_bytes(cut.end - cut.start))

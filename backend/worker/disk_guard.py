"""What keeps the disk of a node from filling up: the limit of each log, and room held for our own writes.

A job writes straight into its log, gigabytes in a second if it likes. So the free space of the disk is asked every few
milliseconds, which costs the same for one job as for thousands, and the logs are looked at as soon as it shrinks; those
that grow fast then have every look. Cutting holds the kernel's lock of the file, so the writer waits meanwhile: it is
slowed to what can be cut, and never stopped.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from jobwarden.backend import disk_reserve
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.disk_reserve import DiskRoom
from jobwarden.backend.domain.units import format_bytes
from jobwarden.backend.errors import JobwardenError
from jobwarden.backend.process.log_truncation import CutError, Why, log_use, trim
from jobwarden.backend.worker.crash_guard import contained
from jobwarden.backend.worker.watched_job import WatchedJob

log = logging.getLogger(__name__)

LOG_SECONDS = 1.0
"""Between two looks at all logs while the disk is quiet."""
TICK_SECONDS = 0.01
"""Between two looks at the disk; at most one part in TICK_SHARE of the time is spent with them."""
HOT_SECONDS = 0.001
"""Between two looks while a log grows fast."""
TICK_SHARE = 4
STEP = 1 << 20
"""Bytes that the disk may lose before all logs are looked at, and that a log may gain before it counts as fast."""
LAST_LOOKS = 5
"""Looks a second apart at a log after its job left care: one that was just taken into care may not be in it yet."""
EARLY = 256 << 20
"""Bytes, at most a quarter of the limit, before the limit at which a log is cut: what is written meanwhile counts."""
LEAST = 64 << 10
"""Bytes that every log may have, however little is free: the first lines say what a job is at."""
SAY_SECONDS = 60.0
"""Between two lines of the worker's log about the cuts of one log."""
URGENCY = -10
"""Nice value of this thread where it may have it: a job that writes as fast as it can takes the processors, too."""


@dataclass(slots=True)
class _Log:
    """``held``: what it may have while the disk is almost full. ``cut``: bytes of cuts that were not yet told."""

    folder: str
    looks_left: int = LAST_LOOKS
    used: int = 0
    held: int | None = None
    cut: int = 0
    told_at: float = -SAY_SECONDS


class LogLimiter(threading.Thread):
    """Looks after every log from the start of its job until a while after its end.

    ``limit_mb`` 0 means no limit. ``tracked`` gives the allocations that are still in care, ``room`` what is free where
    the logs lie.
    """

    def __init__(self, limit_mb: int, tracked: Callable[[], Collection[int]], room: Callable[[], DiskRoom]) -> None:
        super().__init__(name="log-limit", daemon=True)
        self._limit, self._tracked, self._room = limit_mb << 20, tracked, room
        self._logs: dict[int, _Log] = {}
        self._hot: list[_Log] = []
        self._stop_event = threading.Event()
        self._possible = True
        self._tight = False
        self._seen_free, self._next_look, self._next_full = 0, 0.0, 0.0

    def follow(self, watched: WatchedJob) -> None:
        """Look after the log of a job that is about to start, or was taken into care; told twice it changes nothing."""
        if self._possible:
            self._logs.setdefault(watched.allocation_id, _Log(watched.spool_dir))

    def stop(self) -> None:
        """Look no more; what is too large by then is cut by the next worker."""
        self._stop_event.set()

    def run(self) -> None:
        """Look until stopped, or until it turns out that this file system cannot do it."""
        with suppress(PermissionError):  # an ordinary user's: it is as quick as the others
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), URGENCY)
        pause = TICK_SECONDS
        while self._possible and not self._stop_event.wait(pause):
            began = time.monotonic()
            with contained("the look at the logs"):
                self.tick(began)
            took = time.monotonic() - began
            pause = max(HOT_SECONDS if self._hot else TICK_SECONDS, 0.0 if self._hot else TICK_SHARE * took)

    def tick(self, now: float) -> None:
        """Look at the disk, and at the logs that it is time for."""
        if not self._logs:
            return
        room = self._room()
        self._judge(room)
        if now >= self._next_look:
            self._seen_free, self._next_look = room.free, now + LOG_SECONDS
            self.look()
        elif room.free < self._seen_free - STEP and now >= self._next_full:
            self._seen_free = room.free
            self._attend_all()
            self._next_full = time.monotonic() + TICK_SHARE * (time.monotonic() - now)
        elif self._hot:
            self._hot = [one for one in self._hot if self._attend(one)]
        self._seen_free = max(self._seen_free, room.free)

    def look(self) -> None:
        """One pass over all logs, after which those long out of care are forgotten."""
        tracked = set(self._tracked())
        self._attend_all()
        for allocation_id, one in self._logs.copy().items():
            one.looks_left = LAST_LOOKS if allocation_id in tracked else one.looks_left - 1
            if one.looks_left <= 0:
                del self._logs[allocation_id]

    def _attend_all(self) -> None:
        for one in self._logs.copy().values():
            with contained(f"the log in {one.folder}"):
                if self._attend(one) and one not in self._hot:
                    self._hot.append(one)

    def _judge(self, room: DiskRoom) -> None:
        if room.short and not self._tight:
            self._tight = True
            log.warning(
                "only %s of the disk are free, less than the reserve of %s: the logs of jobs stop growing",
                format_bytes(room.free), format_bytes(room.reserve),
            )  # fmt: skip
            self._next_look = 0.0
        elif self._tight and room.enough:
            self._tight = False
            for one in self._logs.values():
                one.held = None
            log.info("%s of the disk are free again: the logs of jobs grow again", format_bytes(room.free))

    def _attend(self, one: _Log) -> bool:
        """Look at one log, cut it if need be; whether it grows so fast that it should be looked at again at once."""
        used = log_use(one.folder)
        if used is None:
            return False
        fast = used > one.used + STEP // 4
        one.used = used
        if self._tight and one.held is None:
            one.held = max(used, LEAST)
        if one.held is not None and used > one.held:
            self._trim(one, one.held, one.held - min(STEP, one.held // 8), Why.DISK)
            return True
        early = self._limit - min(self._limit // 4, EARLY)
        if self._limit and used > early:
            self._trim(one, early, early * 3 // (8 if fast else 4), Why.LIMIT)
            return fast
        return fast and (self._tight or used > self._limit // 4)

    def _trim(self, one: _Log, limit: int, keep: int, why: Why) -> None:
        if not self._possible:
            return
        try:
            cut = trim(one.folder, limit, keep, why)
        except CutError as exc:
            self._possible = False
            log.warning("log_limit_mb has no effect: the disk of %s cannot shorten a log in use (%s)", one.folder, exc)
        except OSError as exc:
            log.warning("the log in %s cannot be kept within its limit: %s", one.folder, exc.strerror)
        else:
            left = log_use(one.folder)
            if cut is not None and left is not None:
                one.cut, one.used = one.cut + max(0, one.used - left), left
                self._tell(one, why)

    def _tell(self, one: _Log, why: Why) -> None:
        now = time.monotonic()
        if now >= one.told_at + SAY_SECONDS:
            because = "the disk is almost full" if why is Why.DISK else "it was over its limit"
            log.info("log in %s: %s cut out of its middle, %s", one.folder, format_bytes(one.cut), because)
            one.cut, one.told_at = 0, now


# The thread in each worker that holds room on the disk of the home for our own writes, and gives it up in need.

RESERVE_SECONDS = 1.0


class ReserveKeeper(threading.Thread):
    """Looks once a second. What goes wrong here is said once, and costs nothing but the room."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="disk-reserve", daemon=True)
        self._settings = settings
        self._stopping = threading.Event()
        self._said = ""

    def stop(self) -> None:
        """Look no more; the file stays."""
        self._stopping.set()

    def run(self) -> None:
        """Look until stopped."""
        while not self._stopping.wait(RESERVE_SECONDS):
            try:
                self.look()
            except (OSError, JobwardenError) as exc:
                self._say(f"room on the disk of {self._settings.home} cannot be held: {exc}")

    def look(self) -> None:
        """Give up the room when the disk is full, take it again when there is enough. Raises OSError, Untrusted."""
        if disk_reserve.give_up_when_full(self._settings):
            self._say(f"the disk of {self._settings.home} is full: the room that was held there is given up")
        elif disk_reserve.hold(self._settings):
            room = disk_reserve.room(self._settings)
            log.info(
                "%s of the disk of %s are held", format_bytes(room.reserve // disk_reserve.HELD), self._settings.home
            )
            self._said = ""

    def _say(self, line: str) -> None:
        if line != self._said:
            log.warning("%s", line)
            self._said = line

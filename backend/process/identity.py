"""Which process, beyond doubt: a pid alone is reused, a pid with its start time on one boot is not.

The start time is field 22 of /proc/PID/stat (proc(5)), in clock ticks since boot, so it does not move with the clock.
"""

import errno
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

LARGEST_PID = 1 << 22
"""PID_MAX_LIMIT of the kernel (proc(5), /proc/sys/kernel/pid_max)."""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_DEAD_STATES = frozenset("ZXx")


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """This boot of this machine, as seen from this PID namespace (an inode number)."""

    machine_id: str
    boot_id: str
    pid_namespace: int
    hostname: str


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, distinguishable from every other that ever had its pid."""

    pid: int
    start_ticks: int
    boot_id: str
    pid_namespace: int

    @classmethod
    def from_row(cls, row: Mapping[Any, Any], pid: str) -> Self:
        """The one that a row of the database names; ``pid`` is the column of its process id."""
        return cls(row[pid], row["process_start"], row["boot_id"], row["pid_namespace"])


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of /proc/PID/stat that tell whose a process is and whether it still lives."""

    pid: int
    state: str
    ppid: int
    pgrp: int
    session: int
    threads: int
    start_ticks: int

    @property
    def gone(self) -> bool:
        """A zombie is gone, except when only its first thread has ended."""
        return self.state in _DEAD_STATES and self.threads <= 1

    @property
    def stopped(self) -> bool:
        """Stopped by a signal (not by a debugger)."""
        return self.state == "T"


class Liveness(StrEnum):
    """What is known of a process; UNKNOWN is never treated as either of the others."""

    ALIVE = "ALIVE"
    GONE = "GONE"
    UNKNOWN = "UNKNOWN"


def _read_first(*paths: str) -> str:
    for path in paths:
        try:
            return Path(path).read_text(encoding="ascii").strip()
        except OSError:
            continue  # an optional file of the distribution: the next one, or the host's name, serves as well
    return ""


def _machine_id() -> str:
    """machine-id(5); nothing for what is none, such as the word "uninitialized" of an image that never booted."""
    found = _read_first("/etc/machine-id", "/var/lib/dbus/machine-id")
    return found if len(found) == 32 and set(found) <= set("0123456789abcdef") and found.strip("0") else ""


@lru_cache(maxsize=1)
def this_host() -> HostIdentity:
    """Identity of the running host. Raises OSError when /proc is not mounted."""
    hostname = socket.gethostname()
    return HostIdentity(
        machine_id=_machine_id() or hostname,
        boot_id=Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
        pid_namespace=Path("/proc/self/ns/pid").stat().st_ino,
        hostname=hostname,
    )


def ran_here(
    *,
    machine_id: str | None,
    boot_id: str | None,
    hostname: str | None,
    folder: str | None = None,
    host: HostIdentity | None = None,
) -> bool:
    """Whether a worker or a job that left these ids ran on this host: in this boot, whatever the container, or in an
    earlier one.

    A machine id alone proves nothing, since clones of a disk share it: of another boot it counts only with the name
    of the host, and with the job's ``folder`` on this disk. Who renames a host and restarts it has to say himself what
    became of its jobs.
    """
    host = host or this_host()
    if boot_id == host.boot_id:
        return True
    if machine_id != host.machine_id or hostname != host.hostname:
        return False
    return folder is None or Path(folder).is_dir()


def parse_stat(raw: bytes) -> Stat:
    """Parse /proc/PID/stat. The command name may hold blanks and brackets, so fields count from its last ')'.

    Raises ValueError for what no kernel writes.
    """
    end = raw.rindex(b")")
    fields = raw[end + 2 :].split(None, 20)
    if len(fields) < 20:
        raise ValueError("too few fields")
    return Stat(
        int(raw[: raw.index(b" ")]),
        chr(fields[0][0]),
        int(fields[1]),
        int(fields[2]),
        int(fields[3]),
        int(fields[17]),
        int(fields[19]),
    )


def parse_pid(text: str) -> int:
    """The process id that a file names. Raises ValueError for what is none, and what no process can have."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_PID)) and 0 < int(text) <= LARGEST_PID):
        raise ValueError("not a process id")
    return int(text)


def read_stat(pid: int) -> Stat:
    """Stat of ``pid``. Raises FileNotFoundError or ProcessLookupError when gone, PermissionError when hidden."""
    fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    try:
        raw = os.read(fd, 1024)
    finally:
        os.close(fd)
    if not raw:
        raise ProcessLookupError(errno.ESRCH, "process ended while it was read")
    return parse_stat(raw)


def read_start_ticks(pid: int) -> int | None:
    """Start time of ``pid`` in clock ticks since boot, or None when it cannot be read."""
    try:
        return read_stat(pid).start_ticks
    except OSError:
        return None


def identify(pid: int) -> ProcessIdentity | None:
    """Identity of the process that has ``pid`` now, or None when there is none to be read."""
    ticks = read_start_ticks(pid)
    if ticks is None:
        return None
    host = this_host()
    return ProcessIdentity(pid, ticks, host.boot_id, host.pid_namespace)


def liveness(identity: ProcessIdentity) -> Liveness:
    """Whether that very process still lives; a zombie, another boot or a reused pid mean GONE.

    Another PID namespace, or a process that /proc does not show to this user, is UNKNOWN, unless the kernel's
    refusal to signal it proves that the pid is in use.
    """
    host = this_host()
    if identity.boot_id != host.boot_id:
        return Liveness.GONE
    if identity.pid_namespace != host.pid_namespace:
        return Liveness.UNKNOWN
    for _ in range(2):  # a pid may come into use between the look and the probe: look once more
        try:
            stat = read_stat(identity.pid)
        except OSError:
            probed = _probe(identity.pid)
            if probed is not Liveness.UNKNOWN:
                return probed
        else:
            return Liveness.GONE if stat.gone or stat.start_ticks != identity.start_ticks else Liveness.ALIVE
    return Liveness.UNKNOWN


def _probe(pid: int) -> Liveness:
    """For a pid that /proc does not show: gone, or hidden (hidepid)? Signal 0 tells without doing anything."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return Liveness.GONE
    except PermissionError:
        return Liveness.ALIVE
    return Liveness.UNKNOWN


def elapsed_seconds(start_ticks: int) -> float:
    """Seconds since a process started, on the boot clock: neither clock changes nor suspension disturb it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_ticks / TICKS_PER_SECOND


# The clock that time limits run on.


def boot_clock() -> float:
    """Seconds since boot, suspension included: the same scale as process start times, undisturbed by clock changes."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)

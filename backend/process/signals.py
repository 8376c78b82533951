"""The only place that sends a signal to a job's process, and never to any other process.

Order matters: open a pidfd, which pins down one process; verify that it is the one meant; signal through the pidfd.
A pid that was reused before the first step fails the second, one reused later is not what the pidfd points to.
"""

import os
import signal
from enum import StrEnum

from jobwarden.backend.process.identity import ProcessIdentity, Stat, read_stat, this_host


class Delivery(StrEnum):
    """What became of a signal."""

    SENT = "SENT"
    GONE = "GONE"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


def identity_of(process: Stat) -> ProcessIdentity:
    """Identity of a process seen on this host during this boot."""
    host = this_host()
    return ProcessIdentity(process.pid, process.start_ticks, host.boot_id, host.pid_namespace)


def deliver(identity: ProcessIdentity, number: int) -> Delivery:
    """Send signal ``number`` to that very process.

    GONE: it has ended (its pid may belong to a stranger by now, who got nothing). REFUSED: not permitted.
    UNKNOWN: it cannot be verified, being of another PID namespace or hidden; nothing was sent.
    """
    host = this_host()
    if identity.boot_id != host.boot_id:
        return Delivery.GONE
    if identity.pid_namespace != host.pid_namespace:
        return Delivery.UNKNOWN
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return Delivery.GONE
    except OSError:  # filtered (seccomp), or no descriptor left
        return _kill_verified(identity, number)
    try:
        return _send_verified(pidfd, identity, number)
    finally:
        os.close(pidfd)


def signal_process(identity: ProcessIdentity, number: int) -> bool:
    """Whether signal ``number`` was sent to that very process. See `deliver` for the reasons when not."""
    return deliver(identity, number) is Delivery.SENT


def _send_verified(pidfd: int, identity: ProcessIdentity, number: int) -> Delivery:
    try:
        stat = read_stat(identity.pid)
    except (FileNotFoundError, ProcessLookupError):
        # Gone since the pidfd was opened, or not shown to this user: either way there is no proof of who it is.
        return Delivery.GONE if _ended(pidfd) else Delivery.UNKNOWN
    except OSError:
        return Delivery.UNKNOWN
    if stat.start_ticks != identity.start_ticks or stat.gone:
        return Delivery.GONE
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return Delivery.GONE
    except PermissionError:  # of another user; or the call itself is filtered, which the plain one tells
        return _kill_verified(identity, number)
    return Delivery.SENT


def _kill_verified(identity: ProcessIdentity, number: int) -> Delivery:
    """By pid, right after a look at it: as good as it gets where the kernel's better way is barred."""
    try:
        stat = read_stat(identity.pid)
        if stat.start_ticks != identity.start_ticks or stat.gone:
            return Delivery.GONE
        os.kill(identity.pid, number)
    except ProcessLookupError:
        return Delivery.GONE
    except FileNotFoundError:
        return Delivery.UNKNOWN
    except PermissionError:
        return Delivery.REFUSED
    return Delivery.SENT


def _ended(pidfd: int) -> bool:
    try:
        signal.pidfd_send_signal(pidfd, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False

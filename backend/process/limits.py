"""Limits of a job, by rule and not by accident of who started the worker; umask and core dumps are set by shim.c.

Open files: a watched job costs the worker a descriptor, so it raises its own soft limit, as systemd advises daemons.
Jobs begin with the usual 1,024, for the sake of programs that use select(2), and may raise it up to the hard limit.
"""

import logging
import os
import resource
from functools import cache

OPEN_FILES = 1024
"""Soft limit of a job, where the setting job_open_files says nothing else."""
STACK_BYTES = 8 << 20
"""Soft limit of a job's stack: what Linux gives."""
WANTED = 65_536

log = logging.getLogger(__name__)


def set_own_limits() -> None:
    """For a worker: up to WANTED open files, as far as the hard limit allows, and the stack that its jobs are to have.

    Jobs inherit the stack: an exec that is under way would undo what somebody else sets of it (finalize_exec).
    """
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (_within(STACK_BYTES, hard), hard))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _within(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def give_limits(pid: int, open_files: int) -> None:
    """Set those of our child ``pid``, whose script has not begun. Raises ProcessLookupError when it ended.

    What the worker is denied itself, its jobs cannot have: no soft limit passes the hard one, and nice stays where
    this process may not lower it.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (_within(open_files, hard), hard))
    if os.getpriority(os.PRIO_PROCESS, 0) != 0:
        try:
            os.setpriority(os.PRIO_PROCESS, pid, 0)
        except PermissionError:
            _tell_of_nice()


def _within(wanted: int, hard: int) -> int:
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


@cache
def _tell_of_nice() -> None:
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    log.warning("this worker runs at nice %d and may not lower it: so do its jobs; start it without nice", nice)

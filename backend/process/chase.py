"""Catch processes that live too briefly for a look at the whole of /proc.

A process that forks and exits at once, over and over, is gone before a scan ends. But each of its generations becomes
a child of the supervisor as soon as the one before has exited, and those children are one small file to read.
"""

import os
import signal

from backend.process.identity import Liveness, Stat, liveness, read_stat
from backend.process.signals import deliver, identity_of

_ROUNDS = 100  # about 10 ms: then the loop that calls us has other jobs to serve


def chase_orphans(shim: Stat, frozen: set[tuple[int, int]]) -> list[Stat]:
    """Stop the supervisor's children that are not in ``frozen`` yet, adding them; returns those caught.

    Where the kernel has no list of children (CONFIG_PROC_CHILDREN) nothing is caught and the scans must do.
    """
    caught: list[Stat] = []
    for _ in range(_ROUNDS):
        fresh = [child for child in _children(shim) if (child.pid, child.start_ticks) not in frozen]
        if not fresh:
            break
        for child in fresh:
            deliver(identity_of(child), signal.SIGSTOP)
            frozen.add((child.pid, child.start_ticks))
        caught += fresh
    return caught


def _children(shim: Stat) -> list[Stat]:
    try:
        fd = os.open(f"/proc/{shim.pid}/task/{shim.pid}/children", os.O_RDONLY)
    except OSError:
        return []
    try:
        pids = os.read(fd, 1 << 16).split()
    finally:
        os.close(fd)
    children = [child for pid in pids if (child := _child(int(pid), shim.pid)) is not None]
    # The supervisor verified last: were it gone, these could be children of the next owner of its pid.
    return children if liveness(identity_of(shim)) is Liveness.ALIVE else []


def _child(pid: int, parent: int) -> Stat | None:
    try:
        child = read_stat(pid)
    except OSError:
        return None
    return child if child.ppid == parent and not child.gone else None

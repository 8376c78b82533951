"""Fault points: for tests, make a process of ours die, stall, fail or lose its connection at a named step.

``JOBWARDEN_FAULT=<point>:<action>[:<n>]`` arms one point: at its n-th passing (default the first) the action is done,
once. Unset, which is always the case in production, a point costs one comparison.
"""

import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from jobwarden.backend.errors import InputError

VARIABLE = "JOBWARDEN_FAULT"

POINTS: dict[str, str] = {
    "submit": "jobs inserted, not committed",
    "allocate": "resources granted, not committed",
    "allocated": "grant committed, nobody told",
    "ring": "bell rung, or the launcher told",
    "claim": "allocations claimed, not committed",
    "claimed": "claim committed, nothing spawned",
    "spawn": "a supervisor waits at its gate, its pid in no database",
    "commit-pid": "pids written, not committed",
    "pid-committed": "pids committed, gates shut",
    "gate-opened": "a script runs, its worker does not watch it yet",
    "watch": "a job was taken into the event loop",
    "exit-seen": "a supervisor's end was seen, its record not yet read",
    "finish": "outcome written, allocation not released, not committed",
    "release": "outcome and release written, not committed",
    "recorded": "outcome committed, the worker does not know it yet",
    "kill": "a job is about to be ended",
    "signalled": "a job got its first signals",
    "adopt": "survivors adopted, not committed",
    "adopted": "adoption committed, nothing watched",
    "requeue": "a job was put back, not committed",
    "registered": "a worker's row written, its lock not yet taken",
    "beat": "about to renew the lease",
    "sweep": "about to look for what slipped out of the worker's hands",
}
"""Every step at which a fault can be caused, with what is true there."""

SERVER_POINTS: dict[str, str] = {
    "launch-read": "an order or the places of gates were read, nothing done",
    "launch-folder": "the folder of a job is there, its supervisor is not",
    "launch-forked": "a supervisor is there, which nobody was told of",
    "launch-answered": "a supervisor is there, and its answer written or about to be",
    "launch-opened": "a gate was opened or shut, which nobody was told of",
}
"""The same in the launch server (launch.h), the first one that a worker starts; it knows ``kill`` and ``stop``."""


def _die(conn: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stall(conn: Any) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _cut(conn: Any) -> None:
    """Cut the database connection as a broken network would; without one at hand there is nothing to cut."""
    if conn is not None:
        raw = conn.raw
        with socket.socket(fileno=os.dup(raw.fileno())) as broken:
            broken.shutdown(socket.SHUT_RDWR)


def _fail(conn: Any) -> None:
    raise RuntimeError(f"a fault for a test ({VARIABLE})")


ACTIONS: dict[str, Callable[[Any], None]] = {"kill": _die, "stop": _stall, "cut": _cut, "fail": _fail}


class _Armed:
    """One armed point and how many passings are left until it goes off."""

    def __init__(self, text: str) -> None:
        name, _, rest = text.partition(":")
        action, _, count = rest.partition(":")
        if name not in POINTS | SERVER_POINTS or action not in ACTIONS or not (count or "1").isdecimal():
            raise InputError(
                f"{VARIABLE} is <point>:<action>[:<n>] with an action of {', '.join(ACTIONS)}, not {text!r}"
            )
        self.name, self.action, self.left = name, ACTIONS[action], int(count or "1")


_armed = _Armed(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


def point(name: str, conn: Any = None) -> None:
    """Pass a step. ``conn``: the connection in use there, if any."""
    if _armed is None or _armed.name != name:
        return
    _armed.left -= 1
    if _armed.left == 0:
        _armed.action(conn)

"""The parent of a command that is run for a notice: ends it, with all that it has started, when its time is up, when
whoever asked for it lets go, or is dead.

A program of its own, so that a worker that was killed leaves no command behind. The module ``command`` runs it as
``python -m jobwarden.backend.monitoring.alerts.guard COOKIE SECONDS WORD...``; the notice is on descriptor 0, the
report goes to 1.
"""

import ctypes
import json
import os
import sys
import time
from typing import Any

from jobwarden.backend.files import readable
from jobwarden.backend.process.identity import identify
from jobwarden.backend.process.members import Target
from jobwarden.backend.process.procfs import COOKIE_VARIABLE
from jobwarden.backend.process.termination import Termination, TerminationResult

LEASH = 3
"""The descriptor whose other end the asker holds: it is at its end when he has closed it or is dead."""
GRACE_SECONDS = 1.0
"""Between TERM and KILL when the asker goes; a command whose time is up has had its own."""
NO_FOLDER = "/nonexistent"
"""A command has no folder as jobs have; this one holds neither a record nor a control group."""
_LOOK_SECONDS = 0.1
_PR_SET_CHILD_SUBREAPER = 36
"""linux/prctl.h"""


def main(cookie: str, seconds: str, *argv: str) -> None:
    """Run a command and report, in one JSON object, how it ended."""
    os.set_inheritable(LEASH, False)
    os.write(1, json.dumps(_run(cookie, float(seconds), argv)).encode())


def _run(cookie: str, seconds: float, argv: tuple[str, ...]) -> dict[str, Any]:
    env = {**os.environ, COOKIE_VARIABLE.decode(): cookie}
    silence = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    try:
        _adopt()
        pid = os.posix_spawnp(argv[0], argv, env, file_actions=silence, setsigmask=(), setsid=True)
    except OSError as exc:
        return {"error": exc.strerror}
    except ValueError as exc:
        return {"error": str(exc)}
    return _wait(pid, seconds)


def _wait(pid: int, seconds: float) -> dict[str, Any]:
    """Wait for our child: its exit status (minus the signal that ended it), or why it was ended and what is left."""
    pidfd = os.pidfd_open(pid)
    ready = readable([pidfd, LEASH], seconds)
    if pidfd in ready:
        return {"status": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}
    return {"ended": "let go" if ready else "late", "left": _end_all(GRACE_SECONDS if ready else 0)}


def _end_all(grace_seconds: float) -> str:
    """End the command and whatever it has started, also in sessions of their own; what survives, for people.

    All of it is below this process, which adopts what loses its parent: without a child there is nothing left.
    """
    me = identify(os.getpid())
    if me is None:
        return "/proc cannot be read"
    ending = Termination(Target(me, "", NO_FOLDER, None), grace_seconds)
    while _reap():
        delay = ending.step()
        if delay is None:
            return survivors(ending.result)
        time.sleep(min(delay, _LOOK_SECONDS))
    return ""


def _reap() -> bool:
    """Collect children that have ended; whether there are others."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _adopt() -> None:
    """Become the parent of what is left by its own below us. Raises OSError."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def survivors(ended: TerminationResult | None) -> str:
    """What is left of a command, for people."""
    if ended is None or ended.proven_gone:
        return ""
    return ", ".join(f"pid {one.pid} {one.why}" for one in ended.survivors) or ended.detail


if __name__ == "__main__":
    main(*sys.argv[1:])

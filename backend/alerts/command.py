"""Run a command for a notice; one that does not end is ended with all that it has started."""

import os
import secrets
import select
import shlex
from typing import Any

from backend.alerts.records import DeliveryError, Notice
from backend.process.ending import end_tree
from backend.process.identity import identify
from backend.process.members import Target
from backend.process.procfs import COOKIE_VARIABLE

COMMAND_SECONDS = 30.0


def run_command(command: str, notice: Notice, body: bytes, seconds: float = COMMAND_SECONDS) -> None:
    """Run ``command`` with ``body`` on its standard input. Raises DeliveryError when it fails or does not end.

    Not by subprocess: nothing forks in a worker, whose sockets prove to others that it lives.
    """
    argv = [os.path.expanduser(word) for word in shlex.split(command)]  # noqa: PTH111 (words, of which few are paths)
    cookie = f"alert-{secrets.token_hex(8)}"
    env = {
        **os.environ, "ALERT_STATUS": notice.status, "ALERT_RULE": notice.rule, "ALERT_MESSAGE": notice.message,
        COOKIE_VARIABLE.decode(): cookie,
    }  # fmt: skip
    try:
        pid = _spawn(argv, env, body)
    except OSError as exc:
        raise DeliveryError(f"alert_command {argv[0]} cannot be run: {exc.strerror}") from exc
    except ValueError as exc:
        raise DeliveryError(f"alert_command {argv[0]} cannot be run: {exc}") from exc
    status, left = _wait(pid, cookie, seconds)
    if status is None:
        fate = "was killed with all that it had started" if not left else f"could not be killed: {left}"
        raise DeliveryError(f"alert_command {argv[0]} did not end within {seconds:.0f} s and {fate}")
    if status != 0:
        raise DeliveryError(f"alert_command {argv[0]} ended with status {status}")


def _spawn(argv: list[str], env: dict[str, str], body: bytes) -> int:
    """Start a command; its pid. A file in memory feeds it: a pipe could fill up, or break when it does not read."""
    feed = os.memfd_create("alert", os.MFD_CLOEXEC)
    try:
        os.write(feed, body)
        os.lseek(feed, 0, os.SEEK_SET)
        actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_DUP2, feed, 0)]
        actions += [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
        return os.posix_spawnp(argv[0], argv, env, file_actions=actions, setsigmask=(), setsid=True)
    finally:
        os.close(feed)


def _wait(pid: int, cookie: str, seconds: float) -> tuple[int | None, str]:
    """Wait for our child: its exit status (minus the signal that ended it), None when it had to be killed, and what
    is left of it then."""
    pidfd = os.pidfd_open(pid)
    try:
        left = ""
        ended = bool(select.select([pidfd], [], [], seconds)[0])
        if not ended and (child := identify(pid)) is not None:
            left = _end_all(Target(child, cookie, NO_FOLDER, None))
        if left:
            return None, left  # a zombie of ours, if it ever ends: better than to wait for ever
        _, status = os.waitpid(pid, 0)
        return (os.waitstatus_to_exitcode(status) if ended else None), ""
    finally:
        os.close(pidfd)


NO_FOLDER = "/nonexistent"
"""A command has no folder as jobs have; this one holds neither a record nor a control group."""


def _end_all(target: Target) -> str:
    """Kill a command and whatever it has started, also in sessions of their own; what survives, for people."""
    ended = end_tree(target, 0)
    return "" if ended.proven_gone else ", ".join(f"pid {one.pid} {one.why}" for one in ended.survivors) or ended.detail

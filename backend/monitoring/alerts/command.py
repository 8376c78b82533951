"""Run a command for a notice; one that does not end is ended with all that it has started."""

import json
import os
import secrets
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from jobwarden.backend.files import readable
from jobwarden.backend.monitoring.alerts.guard import LEASH, NO_FOLDER, survivors
from jobwarden.backend.monitoring.alerts.records import DeliveryError, Notice
from jobwarden.backend.process.identity import ProcessIdentity, identify
from jobwarden.backend.process.members import Target
from jobwarden.backend.process.termination import STUCK_SECONDS, end_tree

COMMAND_SECONDS = 30.0
_REPORT_SECONDS = 2 * STUCK_SECONDS
"""How much longer than its command a guard may take, until it is taken for hung."""


class Leash:
    """Holds the commands of one asker: all are ended when he lets go, and when he is dead. Safe for threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._gone = True
        self._running = 0
        self.held, self._hand = os.pipe()
        self._gone = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """While a command is run."""
        with self._changed:
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def let_go(self) -> None:
        """End the commands that run, and each that is still begun, without waiting for it; may be repeated."""
        with self._changed:
            if not self._gone:
                os.close(self._hand)
            self._gone = True

    def wait(self, seconds: float) -> None:
        """Wait until no command runs, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._running, seconds)

    def __del__(self) -> None:
        if not self._gone:
            os.close(self._hand)
        with suppress(AttributeError):  # there was no descriptor left to make it with
            os.close(self.held)


def run_command(
    command: str, notice: Notice, body: bytes, seconds: float = COMMAND_SECONDS, leash: Leash | None = None
) -> None:
    """Run ``command`` with ``body`` on its standard input. Raises DeliveryError when it fails or does not end.

    Not by subprocess: nothing forks in a worker, whose sockets prove to others that it lives.
    """
    argv = [os.path.expanduser(word) for word in shlex.split(command)]  # noqa: PTH111 (words, of which few are paths)
    env = {
        **os.environ, "ALERT_STATUS": notice.status, "ALERT_RULE": notice.rule, "ALERT_MESSAGE": notice.message,
    }  # fmt: skip
    leash = leash or Leash()
    try:
        with leash.running():
            said = _under_guard(argv, env, body, seconds, leash)
    except OSError as exc:
        said = {"error": exc.strerror}
    except ValueError as exc:
        said = {"error": str(exc)}
    if problem := _problem(said, seconds):
        raise DeliveryError(f"alert_command {argv[0]} {problem}")


def _problem(said: dict[str, Any], seconds: float) -> str:
    """What went wrong, by the report of the guard."""
    if "error" in said:
        return f"cannot be run: {said['error']}"
    if "status" in said:
        return f"ended with status {said['status']}" if said["status"] else ""
    why = {
        "late": f"did not end within {seconds:.0f} s",
        "let go": "did not end before its worker did",
        "unguarded": "lost the process that watches it",
    }[said["ended"]]
    return f"{why} and " + (
        f"could not be killed: {said['left']}" if said["left"] else "was killed with all that it had started"
    )


def _under_guard(argv: list[str], env: dict[str, str], body: bytes, seconds: float, leash: Leash) -> dict[str, Any]:
    """Run a command below a guard of its own; the guard's report. Raises OSError and ValueError."""
    cookie = f"alert-{secrets.token_hex(8)}"
    read, write = os.pipe()
    try:
        try:
            pid = _spawn([cookie, str(seconds), *argv], env, body, (write, leash.held))
        finally:
            os.close(write)
        guard = identify(pid)
        ready = readable([read], seconds + _REPORT_SECONDS)
        report = os.read(read, 1 << 16) if ready else b""
    finally:
        os.close(read)
    if not report:
        return _without_guard(pid, guard, cookie)
    os.waitpid(pid, 0)
    said: dict[str, Any] = json.loads(report)
    return said


def _without_guard(pid: int, guard: ProcessIdentity | None, cookie: str) -> dict[str, Any]:
    """The guard was killed, or hangs: its command is ended from here."""
    left = survivors(end_tree(Target(guard, cookie, NO_FOLDER, None), 0)) if guard else ""
    os.waitpid(pid, os.WNOHANG)
    return {"ended": "unguarded", "left": left}


def _spawn(words: list[str], env: dict[str, str], body: bytes, ends: tuple[int, int]) -> int:
    """Start a guard; its pid. A file in memory feeds the command: a pipe could fill up, or break when it does not
    read."""
    argv = [sys.executable, "-P", "-m", "jobwarden.backend.monitoring.alerts.guard", *words]
    feed = os.memfd_create("alert", os.MFD_CLOEXEC)
    try:
        os.write(feed, body)
        os.lseek(feed, 0, os.SEEK_SET)
        actions = [(os.POSIX_SPAWN_DUP2, fd, to) for fd, to in zip((feed, *ends), (0, 1, LEASH), strict=True)]
        return os.posix_spawn(argv[0], argv, env, file_actions=actions, setsigmask=(), setsid=True)
    finally:
        os.close(feed)

"""Deliver notices: to the log, a command, a webhook. A receiver that fails or hangs costs bounded time and no more."""

import json
import logging
import os
import select
import shlex
import signal
import socket
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from backend.alerts.records import Notice
from backend.passwords import hide_beyond_host
from backend.process.identity import identify
from backend.process.signals import signal_process
from backend.settings import Settings

log = logging.getLogger(__name__)

COMMAND_SECONDS = 30.0
WEBHOOK_SECONDS = 10.0


class DeliveryError(Exception):
    """Why a receiver did not take a notice, in one line."""


def deliver(notice: Notice, settings: Settings) -> list[str]:
    """Tell every receiver that is set; what went wrong, one line each."""
    level = logging.INFO if notice.status == "cleared" else logging.WARNING
    log.log(level, "alert %s: %s%s: %s", notice.status, notice.rule, _of(notice), notice.message)
    body = json.dumps({**notice.body(), "host": socket.gethostname()}).encode()
    problems = []
    for address, send in ((settings.alert_command, run_command), (settings.alert_webhook, post)):
        if address:
            try:
                send(address, notice, body)
            except DeliveryError as exc:
                problems.append(str(exc))
    return problems


def _of(notice: Notice) -> str:
    return f" of {notice.subject}" if notice.subject else ""


def post(url: str, _: Notice, body: bytes, seconds: float = WEBHOOK_SECONDS) -> None:
    """POST ``body`` as JSON. Raises DeliveryError when the receiver cannot be reached or answers with an error."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", "User-Agent": "jobwarden"})
    try:
        with urllib.request.urlopen(request, timeout=seconds):
            pass  # the status is all that matters; the body is not read, so a slow one cannot hold us
    except (OSError, HTTPException, ValueError) as exc:
        raise DeliveryError(f"alert_webhook did not take it: {_line(exc)}") from exc


def run_command(command: str, notice: Notice, body: bytes, seconds: float = COMMAND_SECONDS) -> None:
    """Run ``command`` with ``body`` on its standard input. Raises DeliveryError when it fails or does not end.

    Not by subprocess: nothing forks in a worker, whose sockets prove to others that it lives.
    """
    argv = shlex.split(command)
    env = {**os.environ, "ALERT_STATUS": notice.status, "ALERT_RULE": notice.rule, "ALERT_MESSAGE": notice.message}
    try:
        status = _wait(_spawn(argv, env, body), seconds)
    except OSError as exc:
        raise DeliveryError(f"alert_command {argv[0]} cannot be run: {exc.strerror}") from exc
    if status is None:
        raise DeliveryError(f"alert_command {argv[0]} did not end within {seconds:.0f} s and was killed")
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


def _wait(pid: int, seconds: float) -> int | None:
    """Wait for our child; its exit status (minus the signal that ended it), None when it had to be killed."""
    pidfd = os.pidfd_open(pid)
    try:
        ended = bool(select.select([pidfd], [], [], seconds)[0])
        if not ended and (child := identify(pid)) is not None:
            signal_process(child, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status) if ended else None
    finally:
        os.close(pidfd)


def _line(exc: Exception) -> str:
    reason = (
        exc.reason if isinstance(exc, urllib.error.URLError) and not isinstance(exc, urllib.error.HTTPError) else exc
    )
    return hide_beyond_host(str(reason)).strip().partition("\n")[0] or type(exc).__name__

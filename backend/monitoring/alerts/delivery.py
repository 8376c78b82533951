"""Who is told: the receivers that the settings name, each with the way to hand it a notice."""

import json
import logging
import socket
from collections.abc import Callable
from functools import partial

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.monitoring.alerts.command import Leash, run_command
from jobwarden.backend.monitoring.alerts.records import DeliveryError, Notice
from jobwarden.backend.monitoring.alerts.webhook import post

log = logging.getLogger(__name__)

NOBODY = "nobody would be notified: set alert_command or alert_webhook"

Send = Callable[[Notice, bytes], None]
"""Hands over a notice and its JSON; raises DeliveryError."""


def receivers(settings: Settings, leash: Leash | None = None) -> dict[str, Send]:
    """The receivers that are set, by the name of their setting; ``leash`` holds the commands that they run."""
    found: dict[str, Send] = {}
    if settings.alert_command:
        found["alert_command"] = partial(run_command, settings.alert_command, leash=leash)
    if settings.alert_webhook:
        found["alert_webhook"] = partial(post, settings.alert_webhook)
    return found


def note(notice: Notice) -> None:
    """Write a notice into the log, the receiver that is always there."""
    level = logging.INFO if notice.status == "cleared" else logging.WARNING
    of = f" of {notice.subject}" if notice.subject else ""
    log.log(level, "alert %s: %s%s: %s", notice.status, notice.rule, of, notice.message)


def body(notice: Notice) -> bytes:
    """What every receiver gets."""
    return json.dumps({**notice.body(), "host": socket.gethostname()}).encode()


def deliver(notice: Notice, settings: Settings) -> list[str]:
    """Tell every receiver once, one after the other; what went wrong, one line each."""
    problems = []
    for send in receivers(settings).values():
        try:
            send(notice, body(notice))
        except DeliveryError as exc:
            problems.append(str(exc))
    return problems

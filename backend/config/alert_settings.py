"""Settings of the alerts; part of jobwarden.backend.config.settings.Settings."""

import shlex
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

OFF = "off"
MAY_BE_OFF = (
    "alert_orphans", "alert_dead_workers", "alert_disk_percent", "alert_reserve_mb",
    "alert_waiting_seconds", "alert_failure_percent", "alert_reminder_seconds",
)  # fmt: skip


class AlertSettings(BaseModel):
    """Thresholds, receivers and pace. A rule whose threshold is ``off`` is not judged."""

    model_config = ConfigDict(defer_build=True)

    alert_orphans: float | None = Field(default=10, ge=0)
    """More anomalies than this (what `orphans` lists) raise an alert; off for none."""

    alert_dead_workers: float | None = Field(default=0, ge=0)
    """More nodes without their worker than this raise an alert; off for none."""

    alert_disk_percent: float | None = Field(default=90, ge=0, le=100)
    """A disk of spool or data fuller than this raises an alert of its node; off for none."""

    alert_reserve_mb: float | None = Field(default=0, ge=0)
    """A disk of a spool that lacks more than so many MiB of its reserve (disk_reserve_mb) raises an alert of its node:
    logs of jobs do not grow. off for none."""

    alert_waiting_seconds: float | None = Field(default=3600, ge=0)
    """A job that waits longer than this, and is not held, raises an alert; off for none."""

    alert_failure_percent: float | None = Field(default=50, ge=0, le=100)
    """A larger share of FAILED among the jobs that ended within alert_window_seconds raises an alert; off for none.
    Jobs that an operator ended are left out."""

    alert_window_seconds: float = Field(default=900, gt=0, le=86400)
    """Seconds over which the failure rate is taken; fewer than ten ended jobs are no rate."""

    alert_for_seconds: float = Field(default=10, ge=0, le=86400)
    """Seconds a threshold must stay exceeded before an alert, and stay met before its recovery."""

    alert_poll_seconds: float = Field(default=5, gt=0, le=3600)
    """Seconds between two judgements."""

    alert_reminder_seconds: float | None = Field(default=14400, ge=60, le=31_536_000)
    """Seconds after which an alert that is still open is told once more, with the numbers of then; off for never."""

    alert_command: str | None = Field(default=None, repr=False)
    """Command to run for each alert, reminder and recovery: JSON on its standard input, ALERT_STATUS, ALERT_RULE and
    ALERT_MESSAGE in its environment, thirty seconds to end. No shell; ~ is your home directory."""

    alert_webhook: str | None = Field(default=None, repr=False)
    """URL (http or https) that gets each alert, reminder and recovery as a POST of JSON; ten seconds to answer, all in
    all. Redirects are not followed: set the final address."""

    @field_validator(*MAY_BE_OFF, mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        return None if isinstance(value, str) and value.lower() == OFF else value

    @field_validator("alert_command")
    @classmethod
    def _words(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                words = shlex.split(value)
            except ValueError as exc:
                raise ValueError(f"is not a command line: {exc}".lower()) from None
            if not words or not words[0].strip() or "\0" in value:
                raise ValueError("names no command")
        return value

    @field_validator("alert_webhook")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None:
            check_webhook(value)
        return value


def check_webhook(url: str) -> None:
    """Raise ValueError, without the URL, for one that cannot be posted to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        if host is not None:
            host.encode("idna")
    except ValueError:  # also UnicodeError
        raise ValueError("must be an http:// or https:// URL with a host, and a port that is a number") from None
    if parts.scheme not in ("http", "https") or not url.lower().startswith(f"{parts.scheme}://") or not host:
        raise ValueError("must be an http:// or https:// URL")
    if port == 0:
        raise ValueError("must not name port 0")
    if parts.username is not None or parts.password is not None:
        raise ValueError("takes no user name or password: put a token into its path or query, or use alert_command")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must hold only ASCII letters, digits and signs: write others as %XX")

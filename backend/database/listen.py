"""LISTEN as a wake-up: something changed, go and look. Never a carrier of truth."""

import select
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2.extensions
from sqlalchemy import Engine

CHANNEL = "jobwarden"


class Listener:
    """A connection that waits for NOTIFY. Any psycopg2.Error from it means: make a new one."""

    def __init__(self, raw: psycopg2.extensions.connection) -> None:
        self._raw = raw

    def wait(self, timeout: float, wake_fd: int | None = None) -> set[str]:
        """Payloads that arrived within ``timeout`` seconds; empty on time-out or when ``wake_fd`` became readable."""
        fds = [self._raw.fileno()] + ([wake_fd] if wake_fd is not None else [])
        if not self._raw.notifies and not select.select(fds, [], [], timeout)[0]:
            return set()
        self._raw.poll()
        payloads = {notify.payload for notify in self._raw.notifies}
        self._raw.notifies.clear()
        return payloads


@contextmanager
def listening(engine: Engine) -> Iterator[Listener]:
    """Open a connection of its own (autocommit) that listens on the channel; closed on exit."""
    pooled = engine.raw_connection()
    raw = pooled.driver_connection
    assert isinstance(raw, psycopg2.extensions.connection)
    pooled.detach()
    try:
        raw.autocommit = True
        with raw.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        yield Listener(raw)
    finally:
        raw.close()

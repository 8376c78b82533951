"""For verbs that look at the database again and again: they ride out a restart of it, up to a stated patience."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from backend.cli.say import say
from backend.cli.session import Session, explain
from backend.database.engine import refused
from backend.embedded.servers import attach
from backend.errors import JobwardenError, LostSight

T = TypeVar("T")


class Patience:
    """Looks through one session, whose database may be away for the setting ``patience_seconds``.

    Says on stderr, once each, that it does not answer and that it does again. ``subject`` is what is watched, and
    ``advice`` what to do about it when patience is at its end.
    """

    def __init__(self, session: Session, subject: str, advice: str) -> None:
        self._session, self._subject, self._advice = session, subject, advice
        self._away_since: float | None = None
        self._trusted_from = 0.0

    @property
    def settled(self) -> bool:
        """Whether heartbeats mean anything: no worker could renew its lease while the database was away."""
        return time.monotonic() >= self._trusted_from

    def look(self, read: Callable[[Connection], T]) -> T | None:
        """What ``read`` finds, or None when there was no answer: look again later.

        Raises LostSight once there was none for too long; what the database refuses is raised at once.
        """
        try:
            with self._session.reading() as conn:
                found = read(conn)
        except DBAPIError as exc:
            if refused(exc):
                raise
            self._no_answer(exc)
            return None
        if self._away_since is not None:
            self._away_since = None
            self._trusted_from = time.monotonic() + self._session.settings.lease_seconds
            self.say("the database answers again")
        return found

    def say(self, words: str) -> None:
        """A line about the subject on stderr."""
        say(f"jobwarden: {self._subject}: {words}", err=True)

    def _no_answer(self, exc: DBAPIError) -> None:
        settings, now = self._session.settings, time.monotonic()
        if self._away_since is None:
            self._away_since = now
            if settings.patience_seconds > 0:
                self.say(f"the database does not answer: waiting up to {settings.patience_seconds:g} s for it")
        if now - self._away_since >= settings.patience_seconds:
            why = explain(exc, self._session.engine, settings)
            raise LostSight(
                f"lost sight of {self._subject}: the database did not answer for {settings.patience_seconds:g} s"
                f" ({why or type(exc).__name__}): {self._advice}"
            ) from exc
        if settings.database_url is None:
            with suppress(JobwardenError):  # taken down, or for the worker to start: the next look will tell
                attach(settings)

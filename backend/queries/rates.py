"""How many jobs started, completed and failed in each of the last minutes, for the sparklines of the header.

The counts of a minute that is over do not change any more, so only the events of the current minute and the one before
it are read each time: their first id is known from the last reading, and ids grow with time.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from jobwarden.backend.database.driver import Connection, text
from jobwarden.backend.queries.models.snapshot import Minute, Rates
from jobwarden.backend.queries.statements import statement

__all__ = ["Minute", "RateBook", "Rates"]

MINUTES = 30
"""Minutes that are kept."""
AT_FIRST = 100_000
"""Events that the first reading looks through at most, newest first."""
LATE = 200
"""Ids before the first of a minute that are read again: they are given out before the time is taken."""
MINUTE = timedelta(minutes=1)


class RateBook:
    """Reads for one screen, and remembers the minutes that are over."""

    def __init__(self) -> None:
        self._book: dict[datetime, Minute] = {}
        self._firsts: dict[datetime, int] = {}

    def read(self, conn: Connection) -> Rates:
        """Return the rates now, by the database's clock."""
        now: datetime = conn.execute(text("SELECT date_trunc('minute', now())")).scalar_one()
        rows = conn.execute(statement("rates"), {"floor": self._floor(conn, now), "minutes": MINUTES}).mappings()
        for row in rows:
            self._note(dict(row), now)
        for minutes in (self._book, self._firsts):
            for minute in [minute for minute in minutes if minute <= now - MINUTES * MINUTE]:
                del minutes[minute]
        lag = conn.execute(statement("doorbell_lag")).scalar_one()
        span = (now - (MINUTES - 1 - number) * MINUTE for number in range(MINUTES))
        return Rates(tuple(self._book.get(minute, Minute()) for minute in span), lag)

    def _floor(self, conn: Connection, now: datetime) -> int:
        """The id to read from: the first one of the minute before this."""
        recent = [first for minute, first in self._firsts.items() if minute >= now - MINUTE]
        older = [first for minute, first in self._firsts.items() if minute < now - MINUTE]
        if recent or older:
            return (min(recent) if recent else max(older)) - LATE
        last: int | None = conn.execute(text("SELECT max(id) FROM events")).scalar_one()
        return (last or 0) - AT_FIRST

    def _note(self, row: Mapping[str, Any], now: datetime) -> None:
        """Take the count of a minute. One that was over before was cut off by the floor unless it is new to us."""
        minute, first = row["minute"], row["first_id"]
        if minute < now - MINUTE and minute in self._book and first > self._firsts[minute]:
            return
        self._book[minute] = Minute(row["started"], row["completed"], row["failed"])
        self._firsts[minute] = min(first, self._firsts.get(minute, first))

"""What the feeds have in common: the news they deliver, how often they ask, and how their errors are shown."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.job_window import JobWindow
from jobwarden.backend.queries.models.jobs import DetailView
from jobwarden.backend.queries.models.pages import EventsPage, JobMatches, QueueView, Words
from jobwarden.backend.queries.models.processes import EvidenceView
from jobwarden.backend.queries.models.snapshot import Snapshot

Clock = Callable[[], float]


class Throttle:
    """Says when something is due: every ``interval`` seconds, or ``share`` times its last cost when that is longer."""

    def __init__(self, interval: float, share: float = 0.0, clock: Clock = time.monotonic) -> None:
        self.interval = interval
        self._share = share
        self._clock = clock
        self._due = clock()

    @property
    def due(self) -> bool:
        """Whether it is time again."""
        return self._clock() >= self._due

    @property
    def wait(self) -> float:
        """Seconds until it is due, 0 when it is."""
        return max(0.0, self._due - self._clock())

    def now(self) -> None:
        """Make it due at once."""
        self._due = self._clock()

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Run the question and set the next time by what it cost, also when it failed."""
        began = self._clock()
        try:
            yield
        finally:
            ended = self._clock()
            self._due = ended + max(self.interval, self._share * (ended - began))


# Mistakes of ours in a reading thread: shown on the screen in a line, kept with their traceback in a log.

_log = logging.getLogger(__name__)


def internal_error(exc: Exception, shown: str) -> str:
    """Return the line to show for an unexpected error, and log it unless ``shown``, the line shown now, is the same.

    A thread tries again for as long as it runs: one traceback tells as much as thousands.
    """
    what = f"{type(exc).__name__}: {exc}".splitlines()[0][:200]
    line = f"internal error: {what} (details in log/dashboard.log)"
    if line != shown:
        _log.error(line, exc_info=exc)
    return line


# What the read model delivers to a screen: one record for each kind of news, always the whole of it.

News = Snapshot | JobWindow | Words | DetailView | LogView | QueueView | EventsPage | EvidenceView | JobMatches

"""How often to ask a question: never more than a small share of the time is spent on the answer."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]


class Pace:
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

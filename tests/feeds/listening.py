"""A collector that writes down what it delivers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.feeds.snapshot import POLL, SnapshotFeed
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries.job_window import JobWindow
from jobwarden.backend.queries.models.snapshot import Snapshot
from tests.support.processes import wait_until

Kind = TypeVar("Kind")


class Listening:
    """The news so far, newest last."""

    def __init__(self) -> None:
        self.news: list[News] = []

    def last(self, kind: type[Kind]) -> Kind | None:
        """The newest of a kind."""
        return next((news for news in reversed(self.news) if isinstance(news, kind)), None)

    def snapshot(self, condition: Callable[[Snapshot], object]) -> Snapshot:
        """Wait for a snapshot that is so."""
        return self._wait(Snapshot, condition)

    def window(self, condition: Callable[[JobWindow], object]) -> JobWindow:
        """Wait for a window that is so."""
        return self._wait(JobWindow, condition)

    def _wait(self, kind: type[Kind], condition: Callable[[Kind], object]) -> Kind:
        def found() -> Kind | None:
            last = self.last(kind)
            return last if last is not None and condition(last) else None

        return wait_until(found, what=f"a {kind.__name__} as wanted")


@contextmanager
def collecting(settings: Settings, poll: float = POLL) -> Iterator[tuple[SnapshotFeed, Listening]]:
    """Run a collector."""
    heard = Listening()
    collector = SnapshotFeed(settings, heard.news.append, poll)
    collector.start()
    try:
        yield collector, heard
    finally:
        collector.stop()

"""A collector that writes down what it delivers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from backend.readmodel.collector import POLL, Collector, News
from backend.readmodel.overview import Snapshot
from backend.readmodel.window import Window
from backend.settings import Settings
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

    def window(self, condition: Callable[[Window], object]) -> Window:
        """Wait for a window that is so."""
        return self._wait(Window, condition)

    def _wait(self, kind: type[Kind], condition: Callable[[Kind], object]) -> Kind:
        def found() -> Kind | None:
            last = self.last(kind)
            return last if last is not None and condition(last) else None

        return wait_until(found, what=f"a {kind.__name__} as wanted")  # type: ignore[return-value]


@contextmanager
def collecting(settings: Settings, poll: float = POLL) -> Iterator[tuple[Collector, Listening]]:
    """Run a collector."""
    heard = Listening()
    collector = Collector(settings, heard.news.append, poll)
    collector.start()
    try:
        yield collector, heard
    finally:
        collector.stop()

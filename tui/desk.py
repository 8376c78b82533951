"""What every screen works with: where its data come from, how it acts, and the time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from backend.readmodel.snapshot import Snapshot
from tui.acting.records import Undoable
from tui.config.state import State
from tui.deeds import Deeds
from tui.source import News, Source


def utc_now() -> datetime:
    """Return the time; tests give another clock."""
    return datetime.now(UTC)


class Kept:
    """The latest news of each kind, for the screen that comes on top next."""

    def __init__(self) -> None:
        self._latest: dict[type, News] = {}

    def keep(self, news: News) -> None:
        """Remember news in place of the former of its kind."""
        self._latest[type(news)] = news

    def __iter__(self) -> Iterator[News]:
        return iter(tuple(self._latest.values()))

    @property
    def snapshot(self) -> Snapshot:
        """The latest snapshot, an empty one before the first."""
        news = self._latest.get(Snapshot)
        return news if isinstance(news, Snapshot) else Snapshot()


@dataclass(slots=True)
class Way:
    """From which screen a filter was set on the jobs, so that clearing it leads back there."""

    screen: str = ""
    filter: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """Handed to every screen when it is made. ``read_only`` hides and refuses every action."""

    source: Source
    deeds: Deeds
    clock: Callable[[], datetime]
    state: State
    read_only: bool = False
    kept: Kept = field(default_factory=Kept)
    undoable: Undoable = field(default_factory=Undoable)
    way: Way = field(default_factory=Way)

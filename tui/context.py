"""What every screen works with: where its data come from, how it acts, and the time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.actions.model import Undoable
from jobwarden.tui.client.interfaces import ActionClient, Source
from jobwarden.tui.config.state import State


def utc_now() -> datetime:
    """Return the time; tests give another clock."""
    return datetime.now(UTC)


class LatestNews:
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
class WayBack:
    """From which screen a filter was set on the jobs, so that clearing it leads back there."""

    screen: str = ""
    filter: str = ""


@dataclass(frozen=True, slots=True)
class ScreenContext:
    """Handed to every screen when it is made. ``read_only`` hides and refuses every action."""

    source: Source
    client: ActionClient
    clock: Callable[[], datetime]
    state: State
    read_only: bool = False
    kept: LatestNews = field(default_factory=LatestNews)
    undoable: Undoable = field(default_factory=Undoable)
    way: WayBack = field(default_factory=WayBack)

"""The dashboard: puts read model, actions and screens together."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from textual.screen import Screen

from backend.readmodel.overview import Snapshot
from backend.settings import Settings
from tui.config.state import State
from tui.deeds import Deeds
from tui.diary import keep_diary
from tui.farewell import farewell
from tui.habits.app import HabitsApp
from tui.messages import Arrived
from tui.screens.acting import ActingScreen
from tui.screens.jobs import JobsScreen
from tui.source import MakeSource, News


def utc_now() -> datetime:
    """Return the time; tests give another clock."""
    return datetime.now(UTC)


class JobwardenApp(HabitsApp):
    """One source of news for all screens; a screen is a Textual mode."""

    CSS_PATH: ClassVar = sorted((Path(__file__).parent / "styles").glob("*.tcss"))
    TITLE = "jobwarden"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {}
    BINDINGS: ClassVar = []

    def __init__(
        self,
        make_source: MakeSource,
        deeds: Deeds,
        clock: Callable[[], datetime] = utc_now,
        *,
        read_only: bool = False,
        state: State | None = None,
    ) -> None:
        super().__init__(state)
        self.animation_level = "none"
        self.snapshot = Snapshot()
        self._source = make_source(self._deliver)
        self._modes["jobs"] = lambda: JobsScreen(self._source, deeds, clock, read_only=read_only)

    def on_mount(self) -> None:
        """Show the list at once and let the data come."""
        self.switch_mode("jobs")
        self._source.start()

    def on_unmount(self) -> None:
        """Stop reading."""
        self._source.stop()

    def _deliver(self, news: News) -> None:
        """Take news from another thread."""
        if self.is_running:
            self.post_message(Arrived(news))

    def on_arrived(self, message: Arrived) -> None:
        """Pass the news on to every screen that stands, so that each is up to date when it comes back on top."""
        if isinstance(message.news, Snapshot):
            self.snapshot = message.news
        for screen in self.screen_stack:
            if isinstance(screen, ActingScreen):
                screen.post_message(Arrived(message.news))


def run(settings: Settings, read_only: bool = False) -> int:
    """Run the dashboard until it is closed; returns the exit code. Says afterwards what goes on without it."""
    from backend.readmodel.collector import Collector
    from backend.readmodel.operator import Operator

    os.environ.setdefault("ESCDELAY", "25")
    keep_diary(settings.home)
    app = JobwardenApp(
        lambda deliver: Collector(settings, deliver),
        Operator(settings),
        read_only=read_only,
        state=State.of_home(settings.home),
    )
    app.run()
    print(farewell(app.snapshot))
    return app.return_code or 0

"""The dashboard: puts read model, actions and screens together."""

import contextlib
import os
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.screen import Screen

from backend.errors import InputError
from backend.harmless import escaped
from backend.settings import Settings
from tui.calm import LOOK_SECONDS, Calm
from tui.config.settings import Preferences, load_preferences
from tui.config.state import State
from tui.deeds import Deeds
from tui.desk import Desk, utc_now
from tui.diary import keep_diary
from tui.farewell import farewell
from tui.habits.app import Export, HabitsApp
from tui.habits.replaced import Replaced, replaced_explained
from tui.habits.terminal import title_kept
from tui.late import LateDeeds, LateSource
from tui.messages import Arrived, JobWanted
from tui.rest import load_rest
from tui.screens.base import BaseScreen
from tui.screens.log import LogScreen
from tui.screens.table import SCREENS
from tui.source import Deliver, MakeSource, News, Source
from tui.text import NEWLINE


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
        preferences: Preferences | None = None,
        export: Export | None = None,
        calm: Calm | None = None,
    ) -> None:
        super().__init__(state, preferences, export)
        self.animation_level = "none"
        self._calm = calm
        self._source = make_source(self._deliver)
        self.desk = Desk(self._source, deeds, clock, self.state, read_only)
        self._modes.update({entry.name: partial(entry.make, self.desk) for entry in SCREENS})

    def on_mount(self) -> None:
        """Show the list at once and let the data come."""
        self.switch_mode(SCREENS[0].name)
        self.call_after_refresh(self._source.start)
        self.app_resume_signal.subscribe(self, self._paint_all)
        if self._calm is not None:
            self.set_interval(LOOK_SECONDS, self._look_for_garbage)

    def _paint_all(self, _: object) -> None:
        """Paint the whole screen again, after the shell had the terminal: nothing else would while nothing changes."""
        self.refresh()

    def _look_for_garbage(self) -> None:
        if self._calm is not None:
            self._calm.look(started=self.desk.kept.snapshot.loaded)

    async def on_event(self, event: events.Event) -> None:
        """Notice when somebody types."""
        if self._calm is not None and isinstance(event, events.InputEvent):
            self._calm.typed()
        await super().on_event(event)

    def on_unmount(self) -> None:
        """Stop reading."""
        self._source.stop()

    def _deliver(self, news: News) -> None:
        """Take news from another thread."""
        if self.is_running:
            self.post_message(Arrived(news))

    def on_arrived(self, message: Arrived) -> None:
        """Pass the news to the screen on top, also when a dialog is over it; keep them for the others."""
        self.desk.kept.keep(message.news)
        for screen in reversed(self.screen_stack):
            if isinstance(screen, (BaseScreen, LogScreen)):
                screen.post_message(Arrived(message.news))
                return

    def paint_in_theme(self) -> None:
        """Draw every part anew, also what is drawn only when there are news."""
        super().paint_in_theme()
        for screen in self.screen_stack:
            if isinstance(screen, BaseScreen):
                for news in self.desk.kept:
                    screen.receive(news)

    def on_job_wanted(self, message: JobWanted) -> None:
        """Open a job over the screen that is on top."""
        try:
            with replaced_explained():
                from tui.screens.job import JobScreen
        except Replaced as exc:
            self.complain(exc)
        else:
            opened = JobScreen(message.job_id, self.desk)
            self.push_screen(opened, lambda _: self._point_at(opened.job_id))

    def _point_at(self, job_id: int) -> None:
        """Put the cursor of the list on the job that was looked at last."""
        point_at = getattr(self.screen, "point_at", None)
        if point_at is not None:
            point_at(job_id)

    def action_go(self, name: str) -> None:
        """Open a screen of the table; the key of the open one leads back to it from what was opened over it."""
        if self.current_mode == name:
            while len(self.screen_stack) > 1:
                self.pop_screen()
        else:
            self.switch_mode(name)


def run(settings: Settings, read_only: bool = False) -> int:
    """Run the dashboard until it is closed; returns the exit code. Says afterwards what goes on without it.

    Raises InputError, before the screen opens, for a mistake in the preferences or a terminal without a cursor.
    """
    if os.environ.get("TERM") == "dumb":
        raise InputError("TERM=dumb: this terminal cannot show a screen; `jobwarden jobs` lists without one")
    preferences = load_preferences(settings.home)
    os.environ.setdefault("ESCDELAY", "25")
    keep_diary(settings.home)
    calm = Calm()
    app = JobwardenApp(
        lambda deliver: LateSource(lambda: _collector(settings, deliver, preferences.poll_seconds), load_rest),
        LateDeeds(settings, read_only),
        read_only=read_only,
        state=State.of_home(settings.home),
        preferences=preferences,
        export=partial(_export, settings),
        calm=calm,
    )
    with calm, title_kept(preferences.title_badge):
        app.run(mouse=preferences.mouse)
    with contextlib.suppress(OSError):  # the terminal is gone
        sys.stdout.write(f"{escaped(farewell(app.desk.kept.snapshot), keep=NEWLINE)}\n")
        sys.stdout.flush()
    return app.return_code or 0


def _collector(settings: Settings, deliver: Deliver, poll: float) -> Source:
    from backend.readmodel.collector import Collector

    return Collector(settings, deliver, poll)


def _export(settings: Settings, filter_text: str, path: Path) -> int:
    from backend.readmodel.export_file import export_jobs

    return export_jobs(settings, filter_text, path)

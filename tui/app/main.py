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

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.errors import InputError
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.harmless import escaped
from jobwarden.tui.app.actions import CommandsApp, Export
from jobwarden.tui.app.base import PartReplaced, replaced_explained
from jobwarden.tui.app.error_log import keep_diary
from jobwarden.tui.app.gc_pauses import LOOK_SECONDS, GarbagePauses
from jobwarden.tui.app.terminal import farewell, title_kept
from jobwarden.tui.client.interfaces import ActionClient, Deliver, MakeSource, Source
from jobwarden.tui.client.lazy import LazyActionClient, LazySource, load_rest
from jobwarden.tui.config.preferences import Preferences, Tables, load_preferences
from jobwarden.tui.config.state import State
from jobwarden.tui.context import ScreenContext, utc_now
from jobwarden.tui.messages import Arrived, JobWanted
from jobwarden.tui.screen_registry import SCREENS
from jobwarden.tui.screens.base.screen import BaseScreen
from jobwarden.tui.screens.log import LogScreen
from jobwarden.tui.text import NEWLINE


class JobwardenApp(CommandsApp):
    """One source of news for all screens; a screen is a Textual mode."""

    CSS_PATH: ClassVar = sorted((Path(__file__).parents[1] / "styles").glob("*.tcss"))
    TITLE = "jobwarden"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {}
    BINDINGS: ClassVar = []

    def __init__(
        self,
        make_source: MakeSource,
        client: ActionClient,
        clock: Callable[[], datetime] = utc_now,
        *,
        read_only: bool = False,
        state: State | None = None,
        preferences: Preferences | None = None,
        export: Export | None = None,
        gc_pauses: GarbagePauses | None = None,
    ) -> None:
        super().__init__(state, preferences, export)
        self.animation_level = "none"
        self._gc_pauses = gc_pauses
        self._source = make_source(self._deliver)
        self.context = ScreenContext(self._source, client, clock, self.state, read_only)
        self._modes.update({entry.name: partial(entry.make, self.context) for entry in SCREENS})

    def on_mount(self) -> None:
        """Show the list at once and let the data come."""
        self.switch_mode(SCREENS[0].name)
        self.call_after_refresh(self._source.start)
        self.app_resume_signal.subscribe(self, self._paint_all)
        if self._gc_pauses is not None:
            self.set_interval(LOOK_SECONDS, self._look_for_garbage)

    def _paint_all(self, _: object) -> None:
        """Paint the whole screen again, after the shell had the terminal: nothing else would while nothing changes."""
        self.refresh()

    def _look_for_garbage(self) -> None:
        if self._gc_pauses is not None:
            self._gc_pauses.look(started=self.context.kept.snapshot.loaded)

    async def on_event(self, event: events.Event) -> None:
        """Notice when somebody types."""
        if self._gc_pauses is not None and isinstance(event, events.InputEvent):
            self._gc_pauses.typed()
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
        self.context.kept.keep(message.news)
        for screen in reversed(self.screen_stack):
            if isinstance(screen, (BaseScreen, LogScreen)):
                screen.post_message(Arrived(message.news))
                return

    def paint_in_theme(self) -> None:
        """Draw every part anew, also what is drawn only when there are news."""
        super().paint_in_theme()
        for screen in self.screen_stack:
            if isinstance(screen, BaseScreen):
                for news in self.context.kept:
                    screen.receive(news)

    def on_job_wanted(self, message: JobWanted) -> None:
        """Open a job over the screen that is on top."""
        try:
            with replaced_explained():
                from jobwarden.tui.screens.job import JobScreen
        except PartReplaced as exc:
            self.complain(exc)
        else:
            opened = JobScreen(message.job_id, self.context)
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


def _tables() -> Tables:
    """Asked for only by who chose columns: the screens that declare them are not loaded yet."""
    from jobwarden.tui.columns.lists import TABLES

    return TABLES


def run(settings: Settings, read_only: bool = False) -> int:
    """Run the dashboard until it is closed; returns the exit code. Says afterwards what goes on without it.

    Raises InputError, before the screen opens, for a mistake in the preferences or a terminal without a cursor.
    """
    if os.environ.get("TERM") == "dumb":
        raise InputError("TERM=dumb: this terminal cannot show a screen; `jobwarden jobs` lists without one")
    preferences = load_preferences(settings.home, tables=_tables)
    os.environ.setdefault("ESCDELAY", "25")
    keep_diary(settings.home)
    gc_pauses = GarbagePauses()
    app = JobwardenApp(
        lambda deliver: LazySource(lambda: _collector(settings, deliver, preferences.poll_seconds), load_rest),
        LazyActionClient(settings, read_only),
        read_only=read_only,
        state=State.of_home(settings.home),
        preferences=preferences,
        export=partial(_export, settings),
        gc_pauses=gc_pauses,
    )
    with gc_pauses, title_kept(preferences.title_badge):
        app.run(mouse=preferences.mouse)
    with contextlib.suppress(OSError):  # the terminal is gone
        sys.stdout.write(f"{escaped(farewell(app.context.kept.snapshot), keep=NEWLINE)}\n")
        sys.stdout.flush()
    return app.return_code or 0


def _collector(settings: Settings, deliver: Deliver, poll: float) -> Source:
    from jobwarden.backend.feeds.snapshot import SnapshotFeed

    return SnapshotFeed(settings, deliver, poll)


def _export(settings: Settings, filter_text: str, path: Path) -> int:
    from jobwarden.backend.feeds.export_file import export_jobs

    return export_jobs(settings, filter_text, path)

"""The application without its screens: preferences, bell and title, and what stands between text and terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from textual._context import active_message_pump
from textual.app import App
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message_pump import MessagePump
from textual.worker import WorkerFailed

from jobwarden.backend.errors import JobwardenError
from jobwarden.backend.harmless import dotted, hide_password
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.app.error_log import note_error
from jobwarden.tui.app.key_queue import KeyQueueApp
from jobwarden.tui.app.key_reader import WholeSequences
from jobwarden.tui.config.preferences import Preferences
from jobwarden.tui.config.state import State
from jobwarden.tui.text import Harmless, note
from jobwarden.tui.theme.states import ANOMALY_GLYPH
from jobwarden.tui.theme.themes import THEMES, ParsedOnce

# What reaches a person who looks elsewhere: the bell when something goes wrong, a badge on the window's title.

LONGEST_TITLE = 200
"""Characters of a window's title."""


@dataclass(slots=True)
class Alarm:
    """Compares snapshots; what was wrong already when the dashboard opened rings no bell."""

    known: frozenset[tuple[int, str]] | None = field(default=None)

    def new(self, snapshot: Snapshot) -> bool:
        """Take a snapshot; returns whether something is wrong that was not before."""
        if not snapshot.loaded:
            return False
        now = frozenset((row.job_id, str(row.kind)) for row in snapshot.anomalies)
        before, self.known = self.known, now
        return before is not None and not now <= before


def title(snapshot: Snapshot) -> str:
    """Return the title of the terminal's window.

    >>> title(Snapshot())
    'jobwarden'
    """
    number = len(snapshot.anomalies)
    return f"{ANOMALY_GLYPH}{number:,} jobwarden" if number else "jobwarden"


def set_title(text: str) -> str:
    """Return the control sequence (OSC 2) that sets the title; nothing in the text can end it early."""
    return f"\x1b]2;{dotted(text, LONGEST_TITLE)}\x07"


PUSH_TITLE, POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"
"""Ask the terminal to remember its title, and to take it again: xterm and most others do."""


# The part of the application that stands between everything drawn or said and the terminal, also what it says last.


class SafeApp(KeyQueueApp):
    """No text drawn, noted or printed at the end acts on the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._filters.append(Harmless())
        self._last_words = ""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Literal["information", "warning", "error"] = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Say something in the corner; a markup in it is only words."""
        super().notify(note(message), title=note(title), severity=severity, timeout=timeout, markup=False)

    def get_driver_class(self) -> type[Driver]:
        """Textual's, with another reader of the keys."""
        driver = super().get_driver_class()
        return WholeSequences if driver is LinuxDriver else driver

    def _handle_exception(self, error: Exception) -> None:
        """End after an internal error, unless it was made in a part that has left the screen: messages, timers and
        callbacks may still reach it, and whatever it lacks by then is no loss. Once the program is leaving, Textual
        puts nothing on a screen any more: a part that comes up then misses what it is made of."""
        part = active_message_pump.get(None)
        if self._exit and part is not self and isinstance(error, NoMatches):
            return
        if isinstance(part, MessagePump) and part is not self and _has_left(part):
            note_error(f"{type(part).__name__} was told something after it had left the screen", error)
            return
        cause = error.error if isinstance(error, WorkerFailed) else error
        super()._handle_exception(cause if isinstance(cause, Exception) else error)

    def _fatal_error(self) -> None:
        """One line that says where the rest is: a traceback on the terminal helps nobody, and may hold what is not for
        all who see it."""
        error = self._exception or RuntimeError("unknown")
        report = note_error("the dashboard ended with an internal error", error)
        what = dotted(hide_password(f"{type(error).__name__}: {error}".partition("\n")[0][:200]))
        where = f" (details in {dotted(str(report))})" if report is not None else ""
        line = f"jobwarden: the dashboard ended with an internal error: {what}{where}; jobs and workers go on"
        self._last_words = self._last_words or line
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        """Say it on the terminal as it was found, in one line: rich would break it at the edge, a path in two."""
        if self._last_words:
            self.error_console.file.write(f"{self._last_words}\n")
            self._last_words = ""
        super()._print_error_renderables()


def _has_left(part: MessagePump) -> bool:
    """Whether a part, or one that it is in, is being taken off the screen, or is not on one."""
    pump: MessagePump | None = part
    while pump is not None:
        if pump._closing or pump._closed or getattr(pump, "_pruning", False):
            return True
        if isinstance(pump, App):
            return False
        pump = pump._parent
    return True


SAVE_EVERY = 2.0
"""Seconds between two saves of what changed in the views; what is not saved yet is lost only with ``kill -9``."""


class PreferencesApp(SafeApp):
    """Has preferences (``app.preferences``) and a memory (``app.state``)."""

    def __init__(self, state: State | None = None, preferences: Preferences | None = None) -> None:
        super().__init__()
        self.state = State() if state is None else state
        self.preferences = Preferences() if preferences is None else preferences
        self.set_keymap(dict(self.preferences.keys))
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = self._first_theme()
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())

    def on_mount(self) -> None:
        """Begin to keep what changes."""
        if self.state.notice:
            self.notify(self.state.notice, severity="warning", markup=False, timeout=8)
        self.set_interval(SAVE_EVERY, self.state.save)
        self.theme_changed_signal.subscribe(self, lambda _: self.call_later(self.paint_in_theme))

    def paint_in_theme(self) -> None:
        """Draw every part anew: Textual tells a part of another theme before it has that theme's colours."""
        for screen in self.screen_stack:
            for part in screen.walk_children():
                part.notify_style_update()
            screen.refresh()

    def on_unmount(self) -> None:
        """Keep what changed last."""
        self.state.save()

    def action_choose_theme(self, name: str) -> None:
        """Take another theme, and remember it."""
        self.theme = name
        self.state.put("app", "theme", name)

    def _first_theme(self) -> str:
        """The theme that is set; where none is, the one chosen on the screen last."""
        chosen = self.state.get("app", "theme", "")
        if chosen in THEMES and "theme" not in self.preferences.model_fields_set:
            return chosen
        return self.preferences.theme


# A part that is loaded only when it is wanted may be gone by then: the program was moved away, or another installed.
#
# Whatever a key or a command leads to passes through here, so that the dashboard says so in a line and goes on.

SAID = "the program was replaced: restart the dashboard"


class PartReplaced(JobwardenError):  # noqa: N818 (as the other errors of this program)
    """A part of the program is not there any more."""


@contextmanager
def replaced_explained() -> Iterator[None]:
    """Turn a part that cannot be loaded into the line that says what to do. Raises Replaced."""
    try:
        yield
    except ImportError as error:
        raise PartReplaced(SAID) from error

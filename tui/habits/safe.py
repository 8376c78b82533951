"""The part of the application that stands between everything drawn or said and the terminal, also what it says last."""

from typing import Literal

from textual._context import active_message_pump
from textual.app import App
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message_pump import MessagePump
from textual.worker import WorkerFailed

from backend.harmless import dotted
from backend.passwords import hide_password
from tui.diary import note_error
from tui.habits.driver import WholeSequences
from tui.habits.inorder import InOrderApp
from tui.text import Harmless, note


class SafeApp(InOrderApp):
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
        """End after a mistake of ours, unless it was made in a part that has left the screen: messages, timers and
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
        report = note_error("the dashboard ended by an unexpected error", error)
        what = dotted(hide_password(f"{type(error).__name__}: {error}".partition("\n")[0][:200]))
        where = f" (details in {dotted(str(report))})" if report is not None else ""
        line = f"jobwarden: the dashboard ended by an unexpected error: {what}{where}; jobs and workers go on"
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

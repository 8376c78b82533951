"""The part of the application that stands between everything drawn or said and the terminal."""

from typing import Literal

import rich
from rich.segment import Segment, Segments
from rich.traceback import Traceback

from backend.harmless import dotted
from backend.passwords import hide_password
from tui.habits.inorder import InOrderApp
from tui.text import Harmless, note


class SafeApp(InOrderApp):
    """No text drawn, noted or printed at the end acts on the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._filters.append(Harmless())

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

    def _fatal_error(self) -> None:
        """End after a mistake of ours: its traceback without the values, which may be a job's or a password."""
        self.bell()
        traceback = Traceback(show_locals=False, width=None, suppress=[rich])
        self._exit_renderables.append(Segments(map(_harmless, self.console.render(traceback, self.console.options))))
        self._close_messages_no_wait()


def _harmless(segment: Segment) -> Segment:
    text, style, control = segment
    if control:
        return segment
    safe = "\n".join(dotted(line) for line in hide_password(text).split("\n"))
    return Segment(safe, style and style.update_link(None))

"""A progress bar on a terminal, nothing anywhere else."""

import sys
import time
from types import TracebackType

from backend.cli.say import redraw

WIDTH = 24
REDRAW_SECONDS = 0.1


class Bar:
    """One line on stderr that is drawn over; gone when the context is left, so that results start on a clean line."""

    def __init__(self) -> None:
        self._wanted = sys.stderr.isatty()
        self._step, self._next = "", 0.0

    def __enter__(self) -> "Bar":
        return self

    def show(self, step: str, done: int, total: int) -> None:
        """Draw ``step`` at ``done`` of ``total``; not more often than an eye can follow."""
        due = step != self._step or done >= total or time.monotonic() >= self._next
        if not (self._wanted and total and due):
            return
        self._step, self._next = step, time.monotonic() + REDRAW_SECONDS
        filled = WIDTH * done // total
        line = f"{step:<12}[{'#' * filled}{'.' * (WIDTH - filled)}] {100 * done // total:3}%  {done:,}/{total:,}"
        redraw(line)

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._wanted:
            redraw()

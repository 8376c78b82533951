"""What the dashboard changes on the terminal besides what Textual looks after."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

from tui.habits.alarm import POP_TITLE, PUSH_TITLE

LEAVING_SECONDS = 5.0
"""What an orderly end may take once a signal has asked for it."""


@contextlib.contextmanager
def title_kept(wanted: bool) -> Iterator[None]:
    """Give the window its own title back at the end, whatever happened."""
    out = sys.__stdout__
    if not wanted or out is None or not out.isatty():
        yield
        return
    out.write(PUSH_TITLE)
    out.flush()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the terminal is gone
            out.write(POP_TITLE)
            out.flush()


def end_anyway(code: int) -> None:
    """End the program soon, even when leaving hangs.

    A terminal that is gone takes no output: the thread that writes to it dies, and whoever waits for it waits for ever.
    """
    timer = threading.Timer(LEAVING_SECONDS, os._exit, (code,))
    timer.daemon = True
    timer.start()

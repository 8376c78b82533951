"""What the dashboard changes on the terminal besides what Textual looks after."""

import contextlib
import sys
from collections.abc import Iterator

from tui.habits.alarm import POP_TITLE, PUSH_TITLE


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

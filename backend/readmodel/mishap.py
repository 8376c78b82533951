"""Mistakes of ours in a reading thread: shown on the screen in a line, kept with their traceback in a log."""

import logging

_log = logging.getLogger(__name__)


def mishap(exc: Exception, shown: str) -> str:
    """Return the line to show for an unexpected error, and log it unless ``shown``, the line shown now, is the same.

    A thread tries again for as long as it runs: one traceback tells as much as thousands.
    """
    what = f"{type(exc).__name__}: {exc}".splitlines()[0][:200]
    line = f"internal error: {what} (details in log/dashboard.log)"
    if line != shown:
        _log.error(line, exc_info=exc)
    return line

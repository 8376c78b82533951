"""Ctrl-C during an action: the first one finishes what was begun and reports, the second one ends at once."""

import signal
from types import FrameType


class Interrupt:
    """Takes SIGINT while it is entered."""

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> "Interrupt":
        self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def asked(self) -> bool:
        """Whether to stop."""
        return self._asked

    def _take(self, _signal: int, _frame: FrameType | None) -> None:
        self._asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

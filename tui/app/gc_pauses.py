"""Keeps what the interpreter does for itself away from the keys: collecting garbage, and handing threads the lock.

A full collection walks through everything that Textual and its style sheets are made of, which holds a key up for a
tenth of a second. What is there once the first rows are shown stays to the end, so it is taken out of collections then;
the rest is collected while nobody types.
"""

import gc
import sys
import time
from collections.abc import Callable

SWITCH_SECONDS = 0.0005
"""How long a thread that reads may go on while that of the keys waits; Python's own 5 ms add up within one key."""
THRESHOLDS = (5_000, 50, 1_000)
"""New objects before a collection of the youngest, such collections before one of the middle-aged, and of all."""
QUIET_SECONDS = 1.0
"""Seconds without a key after which a collection disturbs nobody."""
LOOK_SECONDS = 2.0
"""Seconds between two looks whether there is something to collect."""
WORTH_IT = 4
"""Collections of the youngest since the last full one that make another one worth its time."""


class GarbagePauses:
    """Use as a context around the program; ``typed`` and ``look`` are called from its loop, ``settled`` once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._typed = clock()
        self._settled = False

    def __enter__(self) -> "GarbagePauses":
        self._switch, self._thresholds = sys.getswitchinterval(), gc.get_threshold()
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.set_threshold(*THRESHOLDS)
        gc.disable()
        return self

    def __exit__(self, *_: object) -> None:
        sys.setswitchinterval(self._switch)
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()
        gc.enable()

    def typed(self) -> None:
        """Take note of a key: for a while nothing is collected that could wait."""
        self._typed = self._clock()

    def look(self, *, started: bool) -> None:
        """Collect when nobody types and it is worth it; the first time, once it has ``started``, keep all there is."""
        if self._clock() - self._typed < QUIET_SECONDS:
            return
        if not self._settled and started:
            self._settle()
        elif self._settled and gc.get_count()[1] >= WORTH_IT:
            gc.collect()

    def _settle(self) -> None:
        self._settled = True
        gc.collect()
        gc.freeze()
        gc.enable()

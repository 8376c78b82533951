"""The clock that time limits run on."""

import time


def boot_clock() -> float:
    """Seconds since boot, suspension included: the same scale as process start times, undisturbed by clock changes."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)

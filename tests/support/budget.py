"""An unattended run (CI=true) has a quarter of an hour: quick tests go first, and what time is left goes to the slow.

Whoever runs `make test` by hand gets every test, however long it takes.
"""

from __future__ import annotations

import os
import time
from pathlib import PurePath

import pytest

SLOW = frozenset({"acceptance", "demo", "embedded", "faults", "invariants", "matrix", "real", "soak", "worker"})
"""Packages of tests that mostly wait for real servers, leases and processes."""
SLOW_UNTIL = 700.0
"""Seconds after the start at which no further slow test is begun."""
ANY_UNTIL = 770.0
"""Seconds after the start at which no further test at all is begun."""

BEGAN = time.monotonic()


def is_slow(item: pytest.Item) -> bool:
    """Whether a test is of a slow package, or marked so."""
    return item.get_closest_marker("slow") is not None or bool(SLOW & set(PurePath(item.nodeid).parts))


def skip_when_out_of_time(item: pytest.Item) -> None:
    """Skip a test that would begin too late, and say so in the summary."""
    if os.environ.get("CI") == "true" and time.monotonic() - BEGAN > (SLOW_UNTIL if is_slow(item) else ANY_UNTIL):
        pytest.skip("out of the time of an unattended run: `make test` without CI=true runs it")

"""Quick tests first: what they find is known within minutes."""

from pathlib import PurePath

import pytest

SLOW = frozenset(
    {"acceptance", "demo", "embedded", "faults", "invariants", "matrix", "real", "security", "soak", "worker"}
)
"""Packages of tests that mostly wait for real servers, leases and processes."""


def is_slow(item: pytest.Item) -> bool:
    """Whether a test is of a slow package, or marked so."""
    return item.get_closest_marker("slow") is not None or bool(SLOW & set(PurePath(item.nodeid).parts))

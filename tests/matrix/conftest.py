"""The row that a test proves, and the faults that need the help of the host."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.matrix.disk import Disk, mounted
from tests.matrix.row import Row
from tests.worker.conftest import farm, installation

__all__ = ["farm", "installation"]


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    """The row declared with ``shows``."""
    declared: Row = request.function.matrix_row
    return declared


@pytest.fixture
def disk() -> Iterator[Callable[[Path, int], Disk]]:
    """Mounts small disks at given places; skips where mounting is not allowed."""
    with mounted() as mount:
        yield mount

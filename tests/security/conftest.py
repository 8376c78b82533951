"""What attackers and operators need: workers, whole installations, small disks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.matrix.disk import Disk, mounted
from tests.worker.conftest import farm, installation

__all__ = ["farm", "installation"]


@pytest.fixture
def disk() -> Iterator[Callable[[Path, int], Disk]]:
    """Mounts small disks at given places; skips where mounting is not allowed."""
    with mounted() as mount:
        yield mount

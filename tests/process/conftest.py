"""Real jobs for the tests of the process layer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.jobs import Jobs
from tests.support.processes import reap_marked


@pytest.fixture
def jobs(tmp_path: Path, mark: str) -> Iterator[Jobs]:
    """Starts jobs in a spool of this test; afterwards no process and no zombie of them is left."""
    started = Jobs(tmp_path / "spool", mark)
    yield started
    started.clean_up()
    reap_marked(mark)

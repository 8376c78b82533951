"""Real jobs for the tests of the process layer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobwarden.backend.process.cgroup import Groups, make_groups
from tests.process.jobs import Jobs
from tests.support.processes import reap_marked


def started(folder: Path, mark: str, *, contained: bool) -> Iterator[Jobs]:
    """Jobs, ``contained`` in control groups or not; afterwards no process and no zombie of them is left."""
    groups = make_groups(str(folder), limit_memory=False) if contained else Groups(None)
    if contained and groups.parent is None:
        pytest.skip("needs a cgroup v2 hierarchy that this user may write")
    jobs = Jobs(folder / "spool", mark, groups)
    yield jobs
    jobs.clean_up()
    reap_marked(mark)


@pytest.fixture(params=["control group", "without"])
def jobs_both_ways(request: pytest.FixtureRequest, tmp_path: Path, mark: str) -> Iterator[Jobs]:
    """As `jobs`, once in control groups and once without."""
    yield from started(tmp_path, mark, contained=request.param == "control group")


@pytest.fixture
def jobs(tmp_path: Path, mark: str) -> Iterator[Jobs]:
    """Starts jobs in a spool of this test, in no control groups."""
    yield from started(tmp_path, mark, contained=False)

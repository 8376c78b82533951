"""Real workers, all killed with their jobs after the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from tests.support.cli import Cli
from tests.support.processes import reap_marked
from tests.worker.farm import FAST, Farm
from tests.worker.installation import Installation, brought_up


@pytest.fixture
def farm(cli: Cli, engine: Engine, settings: Settings, mark: str, tmp_path: Path) -> Iterator[Farm]:
    """Starts workers; see tests.worker.farm."""
    work = tmp_path / "work"
    work.mkdir()
    patient = Cli({**cli.env, **FAST}, cli.cwd)
    made = Farm(patient, engine, settings, mark, work)
    yield made
    made.clean_up()
    reap_marked(mark)


@pytest.fixture
def installation(home: Path, tmp_path: Path, mark: str) -> Iterator[Installation]:
    """A home of its own, brought up; see tests.worker.installation."""
    with brought_up(home, tmp_path, mark) as made:
        yield made

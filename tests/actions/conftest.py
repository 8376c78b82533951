"""A scene after a crash."""

from collections.abc import Iterator

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from tests.support.scene import Scene, scene


@pytest.fixture
def stage(engine: Engine, settings: Settings, mark: str) -> Iterator[Scene]:
    """A node with jobs that really run and no worker behind them."""
    quick = settings.but(kill_grace_seconds=1.0)
    with scene(engine, quick, mark) as made:
        yield made

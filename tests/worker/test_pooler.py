"""A connection pooler between worker and PostgreSQL: told apart at the start, or harmless."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.pooler import Pooler
from tests.worker.farm import Farm


@contextmanager
def pooler(url: str, *, takes_options: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="jw-") as folder:
        made = Pooler(Path(folder), url, takes_options=takes_options)
        try:
            yield made.url
        finally:
            made.close()


def test_a_worker_behind_a_pooler_in_transaction_mode_refuses_to_start(farm: Farm, database_url: str) -> None:
    """Its locks would be in sessions of others: four led at once when this was tried."""
    with pooler(database_url, takes_options=True) as url:
        worker = farm.launch(DATABASE_URL=url)
        assert worker.wait() == 1
    assert worker.said.count("\n") == 1, worker.said
    assert "a connection pooler in transaction mode" in worker.said
    assert "set DATABASE_URL to PostgreSQL itself" in worker.said
    assert farm.scalar("SELECT count(*) FROM workers") == 0


def test_a_pooler_that_refuses_our_settings_is_named(farm: Farm, database_url: str) -> None:
    with pooler(database_url, takes_options=False) as url:
        worker = farm.launch(DATABASE_URL=url)
        assert worker.wait() == 1
        listed = farm.cli("jobs", DATABASE_URL=url)
    for said in (worker.said, listed.err):
        assert said.count("\n") == 1, said
        assert "that is a connection pooler: set DATABASE_URL to PostgreSQL itself" in said
    assert listed.code == 2

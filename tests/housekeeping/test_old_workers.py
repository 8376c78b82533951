"""Every restart leaves a row of a worker: past retention those go that nothing refers to."""

from __future__ import annotations

import pytest

from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.housekeeping import allocations
from jobwarden.backend.housekeeping.records import CleanupStep, Limits
from tests.housekeeping.conftest import Past
from tests.housekeeping.test_rights import member
from tests.support.rows import add_worker

__all__ = ["member"]

MONTH = Limits(max_age_hours=0, retention_days=30)


def ended(engine: Engine, days: float | None) -> int:
    """A worker of node1 that ended so long ago; None: it has not."""
    with engine.begin() as conn:
        worker_id = add_worker(conn)
        conn.execute(
            text("UPDATE workers SET ended_at = now() - make_interval(days => :days) WHERE id = :id"),
            {"id": worker_id, "days": days},
        )
    return worker_id


def left(engine: Engine) -> list[int]:
    with engine.connect() as conn:
        return list(conn.scalars(text("SELECT id FROM workers ORDER BY id")))


def test_only_what_ended_long_ago_and_is_of_no_use_goes(past: Past) -> None:
    used = past.stage.worker()
    past.old_job(used, hours=1)
    past.stage.execute("UPDATE workers SET ended_at = now() - interval '1 year' WHERE id = :id", id=used)
    old, young, unended = ended(past.engine, 31), ended(past.engine, 29), ended(past.engine, None)
    latest = ended(past.engine, 400)
    assert past.step(CleanupStep.WORKERS, MONTH, dry_run=True).count == 1
    assert past.step(CleanupStep.WORKERS, MONTH).count == 1
    assert left(past.engine) == [used, young, unended, latest]
    assert old not in left(past.engine)
    assert past.step(CleanupStep.WORKERS, MONTH).count == 0


def test_its_last_job_goes_to_the_archive_first(past: Past) -> None:
    used = past.stage.worker()
    past.old_job(used, hours=24 * 40)
    past.stage.execute("UPDATE workers SET ended_at = now() - interval '40 days' WHERE id = :id", id=used)
    latest = ended(past.engine, None)
    assert past.step(CleanupStep.WORKERS, MONTH).count == 1
    assert (left(past.engine), past.jobs()) == ([latest], set())


def test_many_go_in_several_transactions(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocations, "REMOVED_TOGETHER", 3)
    for _ in range(7):
        ended(past.engine, 31)
    assert past.step(CleanupStep.WORKERS, MONTH).count == 6
    assert len(left(past.engine)) == 1


@pytest.mark.parametrize("member", ["worker"], indirect=True)
def test_the_role_of_the_workers_is_enough(past: Past, member: str) -> None:
    old, latest = ended(past.engine, 31), ended(past.engine, None)
    done = past.cli("cleanup", "--max-age-hours", 0, DATABASE_URL=member)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("workers: 1 long ended worker removed\n")
    assert left(past.engine) == [latest]
    assert old != latest

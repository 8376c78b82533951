"""Rates by minute, from real events; the clock is moved by changing when the events say they happened."""

import os
from collections.abc import Iterator

import pytest

from jobwarden.backend.database.driver import Connection, Engine, text
from jobwarden.backend.queries import rates
from jobwarden.backend.queries.rates import Minute, RateBook, Rates
from tests.queries.rows import acting, add_jobs, add_worker, finish, start


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as made:
        yield made.autocommit()


@pytest.fixture
def worker(engine: Engine) -> int:
    return add_worker(engine, "node1", os.getpid())


def minutes_ago(engine: Engine, minutes: int) -> None:
    """Everything that happened so far happened that much earlier. The audit refuses this to everybody else."""
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
        conn.execute(text("UPDATE events SET at = at - make_interval(mins => :minutes)"), {"minutes": minutes})
        conn.execute(text("ALTER TABLE events ENABLE TRIGGER USER"))


def total(book: RateBook, conn: Connection) -> Minute:
    """What all minutes add up to: a test may run over the end of a minute."""
    minutes = book.read(conn).minutes
    return Minute(*(sum(getattr(minute, name) for minute in minutes) for name in ("started", "completed", "failed")))


def test_without_events_there_is_nothing(conn: Connection) -> None:
    read = RateBook().read(conn)
    assert len(read.minutes) == rates.MINUTES
    assert set(read.minutes) == {Minute()}
    assert read.doorbell_lag == 0


def test_what_happens_is_counted_once_in_its_minute(engine: Engine, conn: Connection, worker: int) -> None:
    book = RateBook()
    jobs = add_jobs(engine, 6)
    assert total(book, conn) == Minute()
    start(engine, jobs[:5], worker)
    assert total(book, conn) == Minute(started=5)
    finish(engine, jobs[:2])
    finish(engine, jobs[2:3], "FAILED")
    finish(engine, jobs[3:4], "CANCELLED")
    for _ in range(3):
        assert total(book, conn) == Minute(5, 2, 1)


def test_a_minute_that_is_over_stays_when_its_events_are_not_read_any_more(
    engine: Engine, conn: Connection, worker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "LATE", 0)
    start(engine, add_jobs(engine, 3), worker)
    minutes_ago(engine, 5)
    book = RateBook()
    before = book.read(conn).minutes
    assert sum(minute.started for minute in before) == 3
    later = add_jobs(engine, 2)
    start(engine, later[:1], worker)
    start(engine, later[1:], worker)
    book.read(conn)
    finish(engine, later)
    assert total(book, conn) == Minute(5, 2, 0)


def test_the_figure_is_of_the_last_whole_minute_or_of_more_in_this_one(
    engine: Engine, conn: Connection, worker: int
) -> None:
    start(engine, add_jobs(engine, 4), worker)
    minutes_ago(engine, 1)
    read = RateBook().read(conn)
    assert 4 in {minute.started for minute in read.minutes[-3:-1]}
    assert Rates((Minute(4, 1, 0), Minute(3, 2, 0))).now == Minute(4, 2, 0)


def test_old_minutes_are_forgotten(engine: Engine, conn: Connection, worker: int) -> None:
    start(engine, add_jobs(engine, 4), worker)
    minutes_ago(engine, rates.MINUTES + 5)
    book = RateBook()
    assert total(book, conn) == Minute()
    assert not book._book


def test_a_grant_that_nobody_takes_up_is_lag(engine: Engine, conn: Connection, worker: int) -> None:
    (job,) = add_jobs(engine, 1)
    grant = (
        "INSERT INTO resource_allocations (job_id, node_name, worker_id, allocated_cpus, allocated_memory_mb,"
        " allocated_gpus, allocation_time) VALUES (:job, 'node1', :worker, 1, 64, 0, now() - interval '7 s')"
    )
    with engine.begin() as writing:
        acting(writing, "allocate", "scheduler")
        writing.execute(text("UPDATE jobs SET state = 'RUNNING', node_name = 'node1' WHERE id = :job"), {"job": job})
        writing.execute(text(grant), {"job": job, "worker": worker})
    assert 7 <= RateBook().read(conn).doorbell_lag < 300
    finish(engine, [job])
    assert RateBook().read(conn).doorbell_lag == 0

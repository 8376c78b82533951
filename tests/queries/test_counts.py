"""The counts by state are kept by triggers: exact whatever happens, and nobody waits for anybody because of them."""

import threading

import pytest

from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.queries.jobs import compile_filter, count, read_counts
from jobwarden.backend.queries.models.job_window import EVERY_JOB
from tests.queries.rows import acting, add_jobs, add_worker, finish, start, typed


def scanned(engine: Engine) -> dict[JobState, int]:
    """What counting every row says."""
    with engine.connect() as conn:
        rows = conn.execute(text("SELECT state, count(*) FROM jobs GROUP BY state"))
        found: dict[str, int] = dict(rows.all())
    return {state: found.get(state, 0) for state in JobState}


def kept(engine: Engine) -> dict[JobState, int]:
    with engine.connect() as conn:
        return read_counts(conn)


def test_counts_follow_every_way_in_and_out(engine: Engine) -> None:
    assert kept(engine) == dict.fromkeys(JobState, 0)
    ids = add_jobs(engine, 10)
    worker = add_worker(engine, "node1", 1)
    start(engine, ids[:6], worker)
    finish(engine, ids[:3])
    finish(engine, ids[3:4], "FAILED")
    typed(engine, f"UPDATE jobs SET state = 'CANCELLED' WHERE id = {ids[9]}")
    typed(engine, f"UPDATE jobs SET priority = 3 WHERE id >= {ids[0]}")
    assert kept(engine) == scanned(engine)
    assert kept(engine)[JobState.COMPLETED] == 3
    typed(engine, f"DELETE FROM resource_allocations WHERE job_id = {ids[0]}")
    typed(engine, f"DELETE FROM jobs WHERE id = {ids[0]}")
    assert kept(engine) == scanned(engine)
    with engine.connect() as conn:
        assert count(conn, EVERY_JOB) == 9
        assert count(conn, compile_filter("state:pending")) == 3


def test_what_is_rolled_back_is_not_counted(engine: Engine) -> None:
    with engine.connect() as conn:
        acting(conn, "submit")
        conn.execute(text("INSERT INTO jobs (name, account, script, work_dir, memory_mb) VALUES ('x','a','x','/',1)"))
        conn.rollback()
    assert kept(engine) == dict.fromkeys(JobState, 0)


def test_no_transaction_waits_for_another_that_counts(engine: Engine) -> None:
    """Two transactions that touch each other's jobs crosswise would deadlock over one counter row."""
    first, second = add_jobs(engine, 2)
    with engine.connect() as one, engine.connect() as two:
        for conn, job_id in ((one, first), (two, second)):
            conn.execute(text("SET LOCAL lock_timeout = '5s'"))
            conn.execute(text(f"UPDATE jobs SET state = 'CANCELLED' WHERE id = {job_id}"))
        one.commit()
        two.commit()
    assert kept(engine) == scanned(engine)
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM job_counts")) == 2


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_stricter_isolation_meets_no_conflict_over_the_counts(engine: Engine, isolation: str) -> None:
    first, second = add_jobs(engine, 2)
    with engine.connect() as conn:
        conn.raw.set_session(isolation_level=isolation)
        conn.execute(text(f"SELECT state FROM jobs WHERE id = {first}"))
        typed(engine, f"UPDATE jobs SET state = 'CANCELLED' WHERE id = {second}")
        conn.execute(text(f"UPDATE jobs SET state = 'CANCELLED' WHERE id = {first}"))
        conn.commit()
    assert kept(engine) == scanned(engine)


def test_many_at_once_are_counted_exactly_in_few_rows(engine: Engine) -> None:
    ids = add_jobs(engine, 80)

    def cancel(own: list[int]) -> None:
        for job_id in own:
            typed(engine, f"UPDATE jobs SET state = 'CANCELLED' WHERE id = {job_id}")

    threads = [threading.Thread(target=cancel, args=(ids[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept(engine) == scanned(engine)
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM job_counts")) <= 4 + 1


def test_a_recount_mends_what_came_in_behind_the_triggers(engine: Engine) -> None:
    add_jobs(engine, 3)
    typed(engine, "ALTER TABLE jobs DISABLE TRIGGER USER")
    typed(
        engine,
        "INSERT INTO jobs (name, account, state, script, work_dir, memory_mb) VALUES ('x','a','FAILED','x','/',1)",
    )
    typed(engine, "ALTER TABLE jobs ENABLE TRIGGER USER")
    assert kept(engine) != scanned(engine)
    typed(engine, "SELECT jw_recount_jobs()")
    assert kept(engine) == scanned(engine)

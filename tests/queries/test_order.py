"""Every order of the list: PostgreSQL and the program agree on it, page by page, and changes find their place."""

import os
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

import pytest

from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.queries import job_window as windows
from jobwarden.backend.queries import jobs
from jobwarden.backend.queries.jobs import compile_filter, horizon
from jobwarden.backend.queries.models.job_window import JobWindow, in_order
from jobwarden.backend.queries.models.sort import SORT_KEYS, Order, downward, position
from tests.queries.rows import acting, add_worker, start, typed
from tests.support.cluster import Cluster

NUMBER = 150
"""Jobs of the lists, more than fit into the pages that the tests read."""

FILL = """
INSERT INTO jobs (name, account, partition, state, priority, script, work_dir, memory_mb, cpus, gpus, time_limit,
                  submit_time, start_time, end_time, failure_reason, exit_code, node_name)
SELECT (ARRAY['Train', 'train', 'Ünder', 'under', '_x', '日本', 'Zeta', 'a b'])[1 + i % 8] || (i % 5),
       (ARRAY['bob', 'Bob', 'alice'])[1 + i % 3], (ARRAY['main', 'GPU'])[1 + i % 2], state, i % 7 - 3, 'x', '/',
       64 * (1 + i % 4), 1 + i % 3, i % 2, nullif(i % 4, 0) * 60, now() - make_interval(mins => i),
       CASE WHEN i % 5 > 0 THEN now() - make_interval(secs => i * 7.123457) END,
       CASE WHEN state IN ('COMPLETED', 'FAILED', 'CANCELLED') THEN now() - make_interval(secs => i % 9) END,
       CASE WHEN state = 'FAILED' THEN (ARRAY['TIMEOUT', 'SCRIPT_ERROR'])[1 + i % 2]::failure_reason END,
       CASE WHEN state = 'FAILED' THEN i % 3 END, CASE WHEN i % 5 > 0 THEN 'Node' || i % 6 END
FROM (SELECT i, (ARRAY['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'])[1 + i % 5]::job_state AS state
      FROM generate_series(1, :number) i) rows
"""

ORDERS = [Order(column, descending) for column in SORT_KEYS for descending in (False, True)]
EVERY = pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.column}-{order.descending}")


@pytest.fixture(scope="module")
def shelf(cluster: Cluster) -> Iterator[Engine]:
    """One database for all tests that only read."""
    with cluster.database(f"test_orders_{os.getpid()}") as url:
        engine = make_engine(url, application_name="tests")
        fill(engine)
        yield engine
        engine.dispose()


def fill(engine: Engine) -> None:
    """Jobs in all states with many equal values; the guards that would refuse them are out of the way."""
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE jobs DISABLE TRIGGER USER"))
        conn.execute(text(FILL), {"number": NUMBER})
        conn.execute(text("ALTER TABLE jobs ENABLE TRIGGER USER"))
        conn.execute(text("SELECT jw_recount_jobs()"))


def ids(window: JobWindow) -> list[int]:
    return [row.id for row in window.rows]


@EVERY
def test_pages_are_sorted_as_the_program_sorts_and_hold_every_job_once(shelf: Engine, order: Order) -> None:
    query = compile_filter("", Order(order.column, order.descending, windows_now(shelf)))
    with shelf.connect() as conn:
        seen = list((page := jobs.read_page(conn, query, 40)).rows)
        while page.more:
            page = jobs.read_page(conn, query, 40, at=position(seen[-1], query.order))
            seen += page.rows
    assert tuple(seen) == in_order(query, seen)
    assert len({row.id for row in seen}) == len(seen) == NUMBER
    places = [position(row, query.order) for row in seen]
    assert all(a > b if downward(order) else a < b for a, b in pairwise(places))


@EVERY
def test_pages_backwards_are_the_same_pages(shelf: Engine, order: Order) -> None:
    query = compile_filter("", Order(order.column, order.descending, windows_now(shelf)))
    with shelf.connect() as conn:
        whole = jobs.read_page(conn, query, NUMBER).rows
        last = jobs.read_page(conn, query, 40, backwards=True)
        before = jobs.read_page(conn, query, 40, at=position(last.rows[0], query.order), backwards=True)
        again = jobs.read_page(conn, query, 40, at=position(last.rows[0], query.order), inclusive=True)
    assert last.rows == whole[-40:]
    assert before.rows == whole[-80:-40]
    assert again.rows == last.rows
    assert (last.more, before.more, again.more) == (True, True, False)


def windows_now(engine: Engine) -> datetime:
    with engine.connect() as conn:
        now: datetime = conn.execute(text("SELECT now()")).scalar_one()
        return now


def test_a_filter_and_an_order_hold_together(shelf: Engine) -> None:
    query = compile_filter("state:failed account:bob", Order("priority", True))
    with shelf.connect() as conn:
        rows = windows.open_top(conn, query).rows
    assert rows
    assert {(row.state, row.account.lower()) for row in rows} == {("FAILED", "bob")}
    assert [row.priority for row in rows] == sorted((row.priority for row in rows), reverse=True)


def test_a_far_line_of_any_order_is_guessed_without_counting_it_off(shelf: Engine) -> None:
    query = compile_filter("!state:pending", Order("priority", False))
    with shelf.connect() as conn:
        total = jobs.count(conn, query)
        guessed = jobs.guess_position(conn, query, total // 2, total)
        whole = jobs.read_page(conn, query, NUMBER).rows
    assert guessed == position(whole[total // 2], query.order)


@pytest.fixture
def sorted_window(engine: Engine) -> tuple[Engine, JobWindow, int]:
    """A list by priority, highest first, with the point its changes are read from."""
    fill(engine)
    with engine.connect() as conn:
        since = horizon(conn)
        return engine, windows.open_top(conn, compile_filter("", Order("priority", True))), since


def refreshed(engine: Engine, window: JobWindow, since: int) -> JobWindow:
    with engine.connect().autocommit() as conn:
        return windows.refresh(conn, window, since)


def test_a_changed_value_moves_its_row(sorted_window: tuple[Engine, JobWindow, int]) -> None:
    engine, window, since = sorted_window
    waiting = next(row.id for row in window.rows[20:] if row.state == "PENDING")
    typed(engine, f"UPDATE jobs SET priority = 50 WHERE id = {waiting}")
    after = refreshed(engine, window, since)
    assert ids(after) == [waiting, *(job_id for job_id in ids(window) if job_id != waiting)]
    assert after.total == window.total


def test_a_row_that_leaves_the_stretch_or_comes_into_it(engine: Engine) -> None:
    """A stretch in the middle of a long list: what moves beyond its ends goes, what moves between them comes."""
    with engine.begin() as conn:
        acting(conn, "submit")
        conn.execute(
            text(
                "INSERT INTO jobs (name, account, script, work_dir, memory_mb, priority)"
                " SELECT 'x', 'a', 'x', '/', 1, i FROM generate_series(1, 3000) i"
            )
        )
    query = compile_filter("", Order("priority", True))
    with engine.connect().autocommit() as conn:
        window = windows.with_total(windows.open_top(conn, query), 3000)
        window = windows.look(conn, window, 1500, 1540)
        assert not window.at_top
        assert not window.at_bottom
        since = horizon(conn)
        leaver, comer = window.rows[30], jobs.read_page(conn, query, 1).rows[0]
        between = window.rows[50].priority
        typed(engine, f"UPDATE jobs SET priority = 9999 WHERE id = {leaver.id}")
        typed(engine, f"UPDATE jobs SET priority = {between} WHERE id = {comer.id}")
        after = windows.refresh(conn, window, since)
        fresh = windows.reread(conn, after)
    assert leaver.id not in ids(after)
    assert comer.id in ids(after)
    assert ids(fresh)[: len(after.rows)] == ids(after)


def test_jobs_that_run_longest_come_first_and_stay_in_order(engine: Engine) -> None:
    fill(engine)
    worker = add_worker(engine, "node1", 1)
    with engine.begin() as conn:
        acting(conn, "submit")
        new = conn.scalar(
            text(
                "INSERT INTO jobs (name, account, script, work_dir, memory_mb) VALUES ('x','a','x','/',1) RETURNING id"
            )
        )
    query = compile_filter("state:running", Order("elapsed", True, windows_now(engine)))
    with engine.connect().autocommit() as conn:
        since = horizon(conn)
        window = windows.open_top(conn, query)
        start(engine, [new], worker)
        after = windows.refresh(conn, window, since)
    assert ids(after)[-1] == new
    assert ids(after)[:-1] == ids(window)

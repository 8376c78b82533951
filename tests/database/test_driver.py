"""Connections, however many descriptors the process has, and whatever became of the server meanwhile."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator

import pytest

from jobwarden.backend.database.driver import DatabaseError, Engine, text
from jobwarden.backend.database.engine import listening

BEYOND_SELECT = 1100
"""Descriptors, more than select(2) can wait for."""


@pytest.fixture
def crowded() -> Iterator[None]:
    """A process like a worker with a thousand jobs: the next descriptor has a number above 1023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(BEYOND_SELECT)]
    yield
    for descriptor in held:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_of_many_descriptors_listens_and_takes_idle_connections(engine: Engine, crowded: None) -> None:
    with listening(engine) as listener:
        assert listener.wait(0.01) == set()
        for _ in range(2):
            with engine.begin() as conn:
                assert conn.raw.fileno() > 1023
                conn.execute(text("NOTIFY jobwarden, 'x'"))
        assert listener.wait(60) == {"x"}


def test_an_idle_connection_that_the_server_closed_is_not_used_again(engine: Engine) -> None:
    with engine.connect() as conn, engine.connect() as other:
        pid = conn.scalar(text("SELECT pg_backend_pid()"))
        conn.close()
        other.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
        with engine.connect() as again:
            assert again.scalar(text("SELECT pg_backend_pid()")) != pid


def test_a_lost_connection_takes_the_idle_ones_with_it(engine: Engine) -> None:
    with engine.connect() as first, engine.connect() as second, engine.connect() as third:
        idle = first.scalar(text("SELECT pg_backend_pid()"))
        pid = second.scalar(text("SELECT pg_backend_pid()"))
        first.close()
        third.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
        with pytest.raises(DatabaseError) as caught:
            second.scalar(text("SELECT 1"))
        assert caught.value.lost
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT pg_backend_pid()")) not in (idle, pid)


def test_what_a_connection_was_made_for_ends_with_its_use(engine: Engine) -> None:
    with engine.connect() as conn:
        conn.one_moment()
        pid = conn.scalar(text("SELECT pg_backend_pid()"))
    with engine.connect().autocommit() as conn:
        assert conn.scalar(text("SELECT pg_backend_pid()")) == pid
    with engine.begin() as conn:
        found = "SELECT current_setting('transaction_isolation') || current_setting('transaction_read_only')"
        assert conn.scalar(text(found)) == "read committedoff"
        conn.execute(text("CREATE TABLE mine (n int)"))
        assert conn.scalar(text("SELECT pg_backend_pid()")) == pid
    with engine.connect() as conn:
        conn.execute(text("INSERT INTO mine VALUES (1)"))
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM mine")) == 0


def test_values_go_where_their_names_are_and_nothing_else_is_touched(engine: Engine) -> None:
    statement = text("SELECT :a::text || '%' || CAST(:b AS text), '12:30'::time::text, 'a' LIKE 'a%'")
    with engine.connect() as conn:
        assert conn.execute(statement, {"a": ":b", "b": "%s"}).one() == (":b%%s", "12:30:00", True)
        row = conn.execute(text("SELECT 1 AS count, 2 AS index, NULL AS asdict")).one()
        assert (row.count, row.index, tuple(row)) == (1, 2, (1, 2, None))


def test_rows_that_are_streamed_come_in_pieces(engine: Engine) -> None:
    with engine.connect() as conn:
        rows = conn.stream(text("SELECT n FROM generate_series(1, :most) AS n"), {"most": 2500}, 1000)
        assert [row.n for row in rows] == list(range(1, 2501))


def test_more_users_than_connections_wait_for_their_turn(engine: Engine) -> None:
    done: list[int] = []

    def use() -> None:
        with engine.connect() as conn:
            done.append(conn.scalar(text("SELECT 1 FROM pg_sleep(0.01)")))

    threads = [threading.Thread(target=use) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 60

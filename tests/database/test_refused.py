"""What is given up because the server said no, and what is tried again because it could not answer."""

from __future__ import annotations

import os
import socket
import threading

import psycopg2
import pytest

from jobwarden.backend.database.driver import Connection, DatabaseError, Engine, text
from jobwarden.backend.database.engine import make_engine, refused
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.state.records import Outcome
from jobwarden.backend.worker.recorder import EndedJob, Recorder
from tests.support.processes import wait_until
from tests.support.rows import add_node, column, pending, running


def error_of(conn: Connection, statement: str) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        conn.execute(text(statement))
    return caught.value


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events SET actor = 'x'", "SELECT 1/0", "SELECT nonsense", "INSERT INTO commands VALUES (DEFAULT, 9)"],
)
def test_a_no_is_a_no(engine: Engine, statement: str) -> None:
    with engine.connect() as conn:
        pending(conn)
        assert refused(error_of(conn, statement))


def test_a_server_that_may_not_write_or_a_connection_that_broke_is_tried_again(database_url: str) -> None:
    reader = make_engine(database_url, read_only=True)
    with reader.connect() as conn:
        assert not refused(error_of(conn, "DELETE FROM commands"))
    with reader.connect() as conn:
        raw = conn.raw
        with socket.socket(fileno=os.dup(raw.fileno())) as broken:
            broken.shutdown(socket.SHUT_RDWR)
        assert not refused(error_of(conn, "SELECT 1"))
    reader.dispose()


def test_an_outcome_outlives_a_connection_that_breaks_without_a_code(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare DatabaseError is what psycopg2 raises when the server dies in the middle of a statement."""
    with engine.begin() as conn:
        job, allocation = running(conn, add_node(conn))
    recorded: list[int] = []
    recorder = Recorder(engine, "worker:node1", recorded.extend)
    commit, broken = recorder._commit, threading.Event()

    def break_once(batch: list[EndedJob]) -> None:
        if not broken.is_set():
            broken.set()
            cause = psycopg2.DatabaseError("server closed the connection unexpectedly")
            raise DatabaseError(cause, lost=True)
        commit(batch)

    monkeypatch.setattr(recorder, "_commit", break_once)
    recorder.start()
    recorder.put(EndedJob(Outcome(allocation, job, JobState.COMPLETED, exit_code=0), "worker:node1"))
    wait_until(lambda: recorded == [allocation], what="the record")
    assert broken.is_set()
    assert recorder.stop(10.0)
    with engine.connect() as conn:
        assert column(conn, job, "state") == "COMPLETED"

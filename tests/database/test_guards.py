"""Whatever is typed, the database refuses what must not be and records what may."""

from __future__ import annotations

import os
import select
import subprocess

import psycopg2
import pytest
from sqlalchemy import make_url

from jobwarden.backend.database.driver import DatabaseError, Engine, text
from jobwarden.backend.database.engine import listening, make_engine
from jobwarden.backend.state import machine
from tests.support.rows import ACTOR, actions, add_node, column, live_allocations, pending, running


@pytest.fixture
def job(engine: Engine) -> int:
    """A RUNNING job."""
    with engine.begin() as conn:
        job_id, _ = running(conn, add_node(conn))
    return job_id


def typed(engine: Engine, statement: str) -> None:
    with engine.begin() as conn:
        conn.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("UPDATE jobs SET state = 'COMPLETED' WHERE id = {final}", "a final state stays final"),
        ("UPDATE jobs SET state = 'PENDING' WHERE id = {final}", "a final state stays final"),
        ("UPDATE jobs SET state = 'PENDING' WHERE id = {running}", "provably never started"),
        ("UPDATE jobs SET state = 'RUNNING' WHERE id = {waiting}", "only the scheduler starts a job"),
        ("UPDATE jobs SET state = 'COMPLETED' WHERE id = {waiting}", "it cannot be COMPLETED"),
        ("DELETE FROM jobs WHERE id = {waiting}", "cancel it before deleting it"),
        ("INSERT INTO jobs (name, account, script, work_dir, memory_mb, state)"
         " VALUES ('x', 'x', 'x', '/', 1, 'RUNNING')", "a new job is PENDING"),
        ("INSERT INTO resource_allocations (job_id, node_name, worker_id, allocated_cpus, allocated_memory_mb,"
         " allocated_gpus) SELECT job_id, node_name, worker_id, 1, 1, 0 FROM resource_allocations"
         " WHERE job_id = {running}", "one_live_allocation"),
        ("INSERT INTO resource_allocations (job_id, node_name, worker_id, allocated_cpus, allocated_memory_mb,"
         " allocated_gpus) SELECT {waiting}, 'node1', min(id), 4, 1, 0 FROM workers", "has not that much free"),
        ("UPDATE resource_allocations SET allocated_cpus = 0 WHERE job_id = {running}", "cannot be changed"),
        ("UPDATE resource_allocations SET released = false WHERE job_id = {final}", "an allocation ends once"),
        ("DELETE FROM resource_allocations WHERE job_id = {running}", "release it first"),
        ("UPDATE events SET actor = 'nobody'", "append-only"),
        ("DELETE FROM events", "append-only"),
        ("TRUNCATE events", "append-only"),
        ("TRUNCATE jobs CASCADE", "TRUNCATE"),
        ("TRUNCATE resource_allocations", "TRUNCATE"),
    ],
)  # fmt: skip
def test_refused(engine: Engine, job: int, statement: str, complaint: str) -> None:
    with engine.begin() as conn:
        worker = conn.scalar(text("SELECT min(id) FROM workers"))
        final, _ = running(conn, worker)
        machine.fail(conn, final, ACTOR, None, release=True)
        ids = {"running": job, "final": final, "waiting": pending(conn)}
    with engine.connect() as conn:
        before = conn.execute(text("SELECT * FROM jobs ORDER BY id")).all()
    with pytest.raises(DatabaseError, match=complaint):
        typed(engine, statement.format(**ids))
    with engine.connect() as conn:
        assert conn.execute(text("SELECT * FROM jobs ORDER BY id")).all() == before


def test_the_documented_procedure_through_psql_is_audited_and_heard(engine: Engine, job: int) -> None:
    url = make_url(engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with listening(engine) as listener:
        for statement in (
            f"UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id={job};",
            f"UPDATE resource_allocations SET released=TRUE WHERE job_id={job};",
        ):
            _psql(url, statement)
            assert "jobs" in listener.wait(5.0)
    with engine.connect() as conn:
        assert column(conn, job, "failure_reason") == "OPERATOR"
        assert live_allocations(conn, job) == 0
        assert actions(conn, job)[-2:] == [("sql", "RUNNING", "FAILED"), ("sql", "FAILED", "FAILED")]
        event = conn.execute(text("SELECT actor, detail FROM events WHERE action = 'sql' ORDER BY id")).first()
        assert event is not None
        assert event.detail["state"] == {"from": "RUNNING", "to": "FAILED"}
        assert event.actor.endswith("@local")
        assert conn.scalar(text("SELECT cpus_allocated FROM nodes")) == 0
        released = conn.scalar(text("SELECT released_time FROM resource_allocations WHERE job_id = :id"), {"id": job})
        assert released is not None


def _psql(url: str, statement: str) -> None:
    """Type it: through psql where there is one, else as psql would send it."""
    try:
        subprocess.run(["psql", "-X", "-v", "ON_ERROR_STOP=1", url, "-c", statement], check=True, capture_output=True)
    except FileNotFoundError:
        with psycopg2.connect(url) as raw, raw.cursor() as cursor:
            cursor.execute(statement)


def test_any_column_typed_by_hand_is_audited_with_its_old_value(engine: Engine, job: int) -> None:
    typed(engine, f"UPDATE jobs SET time_limit = 60 WHERE id = {job}")
    with engine.connect() as conn:
        event = conn.execute(text("SELECT * FROM events ORDER BY id DESC LIMIT 1")).one()
        assert (event.action, event.job_id, event.detail) == ("sql", job, {"time_limit": {"from": None, "to": 60}})


def test_an_update_that_changes_nothing_leaves_no_event(engine: Engine, job: int) -> None:
    with engine.connect() as conn:
        before = actions(conn, job)
    typed(engine, f"UPDATE jobs SET priority = priority WHERE id = {job}")
    with engine.connect() as conn:
        assert actions(conn, job) == before


def test_every_change_moves_the_delta_mark(engine: Engine, job: int) -> None:
    with engine.connect() as conn:
        before = column(conn, job, "changed_xid::text::bigint")
    typed(engine, f"UPDATE jobs SET priority = 3 WHERE id = {job}")
    with engine.connect() as conn:
        assert column(conn, job, "changed_xid::text::bigint") > before


def test_a_read_only_engine_cannot_write(engine: Engine, database_url: str) -> None:
    reader = make_engine(database_url, read_only=True)
    with pytest.raises(DatabaseError, match="read-only transaction"), reader.begin() as conn:
        pending(conn)
    reader.dispose()


def test_a_read_only_transaction_does_not_lift_the_servers_own_ban(database_url: str) -> None:
    engine = make_engine(database_url, read_only=True, pool_size=1)
    with engine.connect() as conn:
        reading = conn.one_moment()
        assert reading.scalar(text("SELECT count(*) FROM jobs")) == 0
    with pytest.raises(DatabaseError, match="read-only transaction"), engine.begin() as conn:
        pending(conn)
    engine.dispose()


def test_listening_times_out_and_wakes_for_another_descriptor(engine: Engine) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"x")
    with listening(engine) as listener:
        assert listener.wait(0.0) == set()
        assert listener.wait(30.0, reading) == set()
        assert select.select([reading], [], [], 0)[0]
    os.close(reading)
    os.close(writing)

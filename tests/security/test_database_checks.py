"""Rows that no program of ours would write: the database refuses them, and the program says so first, in one line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine

from jobwarden.backend.database.driver import DatabaseError, Engine, text
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.database.upgrade import alembic_config, upgrade
from jobwarden.backend.domain.request import LIMITS, MAX_PATH_BYTES, MAX_STRING_BYTES, MAX_STRINGS_BYTES, JobRequest
from jobwarden.backend.domain.script import MAX_SCRIPT_BYTES
from jobwarden.backend.errors import InputError
from jobwarden.backend.state import machine
from tests.support.cli import Cli
from tests.support.rows import ACTOR, actions, add_node, allocated, column, pending, request, running, started

LONGEST = "x" * (MAX_STRING_BYTES - 1)
"""The longest argument."""

CONTROLS = ["a\x01b", "a\x1b]52;c;eA==\x07", "a\nb", "a\x7f", "a\x9bb", "a\u202eb", "a\u200bb", "\ufeffa"]

GARBAGE: list[tuple[str, Any]] = [
    *((field, value) for field in ("name", "account", "partition") for value in (*CONTROLS, "", "x" * 201)),
    ("name", "  "),
    *((field, value) for field in ("account", "partition") for value in ("a b", "a'b", 'a"b', "a\u3000b", "x" * 65)),
    ("script", ""),
    ("script", " \n\t "),
    ("script", ":" + " " * MAX_SCRIPT_BYTES),
    ("work_dir", "relative"),
    ("work_dir", ""),
    ("work_dir", "/" + "x" * MAX_PATH_BYTES),
    *(("arguments", value) for value in ([1, None], [None], [["x"]], [{"a": "b"}], [True], [LONGEST + "x"])),
    ("arguments", [LONGEST] * 9),
    ("arguments", [""] * (MAX_STRINGS_BYTES + 1)),
    *(("environment", value) for value in ({"": "x"}, {"a=b": "x"}, {"a": 1}, {"a": None}, {"a": ["x"]}, {"=": "="})),
    ("environment", {"a": LONGEST}),
    *((field, low - 1) for field, (low, _, _) in LIMITS.items()),
    *((field, high + 1) for field, (_, high, _) in LIMITS.items()),
]

OF_THE_WORKER: list[tuple[str, str, str]] = [
    ("jobs", "exit_code", "256"),
    ("jobs", "exit_code", "-1"),
    ("jobs", "exit_signal", "0"),
    ("jobs", "exit_signal", "128"),
    ("jobs", "error_msg", "repeat('x', 10001)"),
    ("jobs", "node_name", "E'a\\x1b'"),
    ("resource_allocations", "process_id", "0"),
    ("resource_allocations", "process_id", "-1"),
    ("resource_allocations", "stuck", "repeat('x', 10001)"),
    ("resource_allocations", "spool_dir", "'relative'"),
    ("nodes", "name", "E'a\\x1b'"),
    ("nodes", "cpus", "65537"),
    ("nodes", "memory_mb", "1073741825"),
    ("nodes", "partitions", "ARRAY[NULL]"),
    ("nodes", "partitions", "ARRAY[E'a\\x1b']"),
    ("nodes", "drain_reason", "repeat('x', 10001)"),
    ("workers", "hostname", "E'a\\x1b'"),
    ("workers", "pid", "0"),
    ("workers", "spool", "''"),
]


def insert(engine: Engine, fields: dict[str, Any]) -> int:
    """A job typed in SQL."""
    row = {"name": "x", "account": "x", "script": ":", "work_dir": "/", "memory_mb": 1} | fields
    row = {key: json.dumps(value) if isinstance(value, list | dict) else value for key, value in row.items()}
    statement = f"INSERT INTO jobs ({', '.join(row)}) VALUES ({', '.join(f':{key}' for key in row)}) RETURNING id"
    with engine.begin() as conn:
        return int(conn.execute(text(statement), row).scalar_one())


def short(value: object) -> str:
    return ascii(value)[:30]


@pytest.mark.attempt("One INSERT ends every worker that gets it", fault=3)
@pytest.mark.parametrize(("field", "value"), GARBAGE, ids=[f"{field}={short(value)}" for field, value in GARBAGE])
def test_a_job_that_no_worker_could_start(engine: Engine, field: str, value: Any) -> None:
    """A submitter types an INSERT of a job that would end its worker, a terminal or the arithmetic of the scheduler."""
    with pytest.raises(DatabaseError, match="violates check constraint"):
        insert(engine, {field: value})
    given = tuple(value) if isinstance(value, list) else value
    with pytest.raises(InputError) as caught:
        request(**{field: given})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "größer als 日本 📦 = 100 % 'yes' \"no\""),
        ("name", "x" * 200),
        ("account", "x" * 64),
        ("script", ":" + " " * (MAX_SCRIPT_BYTES - 1)),
        ("work_dir", "/" + "x" * (MAX_PATH_BYTES - 1)),
        ("arguments", ["", "--a=b", "a\nb\x1b", "é", LONGEST]),
        ("environment", {"A": "", "b c": "=x=", "é": "\n", "X": LONGEST[2:]}),
        *((field, bound) for field, (low, high, _) in LIMITS.items() for bound in (low, high)),
    ],
    ids=short,
)
def test_what_the_program_takes_the_database_takes(engine: Engine, field: str, value: Any) -> None:
    """The two say the same: no request that exists is refused by the database."""
    asked: JobRequest = request(**{field: tuple(value) if isinstance(value, list) else value})
    with engine.begin() as conn:
        [job_id] = machine.submit(conn, [asked], ACTOR)
        assert column(conn, job_id, field) == value


@pytest.mark.parametrize(("table", "field", "value"), OF_THE_WORKER)
def test_a_worker_that_writes_nonsense(engine: Engine, table: str, field: str, value: str) -> None:
    """Whoever has a worker's login writes what other hosts and terminals would choke on."""
    with engine.begin() as conn:
        worker_id = add_node(conn)
        conn.execute(text("INSERT INTO nodes (name, cpus, memory_mb) VALUES ('free', 1, 1)"))
        running(conn, worker_id)
    where = " WHERE name = 'free'" if table == "nodes" else ""
    with pytest.raises(DatabaseError, match=f"{table}_{field}_rule|cannot be changed"), engine.begin() as conn:
        conn.execute(text(f"UPDATE {table} SET {field} = {value}{where}"))


@pytest.mark.parametrize("value", ["'[]'", "'1'", "repeat('x', 10)", "jsonb_build_object('a', repeat('x', 67108864))"])
def test_an_event_that_fills_the_audit(engine: Engine, value: str) -> None:
    """A submitter notes something that is no object, or is larger than any reader expects."""
    with pytest.raises(DatabaseError), engine.begin() as conn:
        conn.execute(text(f"INSERT INTO events (actor, action, detail) VALUES ('x', 'x', CAST({value} AS jsonb))"))


@pytest.mark.attempt("Job name in log title", fault=7)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--name", "a\x1b]52;c;eA==\x07"], "control characters"),
        (["--account", "a b"], "holds spaces"),
        (["--partition", "a\u202eb"], "control characters"),
        (["--cpus", "0"], "out of range"),
        (["--memory", "9999999T"], "out of range"),
        (["--priority", "99999999"], "out of range"),
        (["--time", "99999999999"], "out of range"),
        (["--env", "=x"], "names no variable"),
        (["--work-dir", "/" + "x" * 5000], "work dir"),
    ],
)
def test_garbage_on_the_command_line(cli: Cli, engine: Engine, options: list[str], words: str) -> None:
    """What the database would refuse is refused by the verb: one line, exit code 2, and nothing is written."""
    done = cli("submit", *options, "-", input=":\n")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
    assert words in done.err
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM jobs")) == 0


def test_a_reason_longer_than_the_audit_takes(cli: Cli, engine: Engine) -> None:
    """A reason as long as a book."""
    with engine.begin() as conn:
        job_id = pending(conn)
        add_node(conn)
    for verb in (["cancel", str(job_id)], ["drain", "node1"]):
        done = cli(*verb, "--reason", "x" * 4001)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
        assert "longer than 4000" in done.err


def test_what_only_the_database_refuses_is_one_line(cli: Cli, engine: Engine) -> None:
    """A name of the caller that no check of the program looks at."""
    done = cli("submit", "--account", "x", "-", input=":\n", LOGNAME="a\x1b[31m")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
    assert "events_actor_rule" in done.err


def test_an_upgrade_of_a_database_that_holds_such_rows(empty_database_url: str) -> None:
    """Rows of before: what waits ends with its reason, what runs can end, what ended stays."""
    engine = make_engine(empty_database_url)
    migrations = create_engine("postgresql+psycopg2://", creator=engine.open, poolclass=NullPool)
    with migrations.connect() as conn:
        config = alembic_config(empty_database_url)
        config.attributes["connection"] = conn
        command.upgrade(config, "0002")
        conn.commit()
    waiting = insert(engine, {"arguments": [1, None]})
    fine = insert(engine, {})
    ended = insert(engine, {"name": "a\x1b"})
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET state = 'CANCELLED' WHERE id = :id"), {"id": ended})
        worker_id = add_node(conn)
        runs, allocation = allocated(conn, worker_id)
        machine.commit_start(conn, worker_id, [started(allocation)], "worker:node1")
        conn.execute(text("UPDATE jobs SET account = E'a\\x1b', priority = 2000000 WHERE id = :id"), {"id": runs})
    upgrade(empty_database_url)
    with engine.begin() as conn:
        assert (column(conn, waiting, "state"), column(conn, waiting, "failure_reason")) == ("FAILED", "LAUNCH_ERROR")
        assert "could never be started" in column(conn, waiting, "error_msg")
        assert actions(conn, waiting)[-1] == ("upgrade", "PENDING", "FAILED")
        assert [column(conn, job, "state") for job in (fine, ended, runs)] == ["PENDING", "CANCELLED", "RUNNING"]
        assert (column(conn, runs, "account"), column(conn, runs, "priority")) == ("unknown", 0)
        assert machine.fail(conn, runs, ACTOR, None, release=True)
    with pytest.raises(DatabaseError, match="jobs_arguments_rule"):
        insert(engine, {"arguments": [1, None]})
    engine.dispose()


def test_a_column_without_a_rule(engine: Engine) -> None:
    """A column that a role may write takes whatever is written: all but times, flags and the login."""
    with engine.connect() as conn:
        free = conn.scalars(text("""
            SELECT c.relname || '.' || a.attname FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
              AND c.relname NOT IN ('alembic_version', 'job_counts')
              AND format_type(a.atttypid, NULL) IN ('text', 'jsonb', 'integer', 'text[]')
              AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND a.attnum = ANY(k.conkey))
            ORDER BY 1"""))  # fmt: skip
    assert list(free) == ["events.database_user", "jobs.submitted_by"]

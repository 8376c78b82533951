"""Faults of PostgreSQL: everybody waits, nobody loses anything."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import psutil
import psycopg2
import psycopg2.extensions
import pytest

from tests.matrix.row import CODE, Row, shows
from tests.support.processes import is_gone, wait_until
from tests.worker.farm import PATIENCE, UNTIL_GO, go, hang
from tests.worker.installation import Installation


class Pair:
    """A job that ends while the database fails, and one that is running on when it is back."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.files = [installation.home / name for name in ("during", "after")]
        self.jobs = [installation.submit(f"{UNTIL_GO}exit {CODE}", str(file)) for file in self.files]
        rows = [installation.until(job, "RUNNING")["allocations"][0] for job in self.jobs]
        self.shims = [row["process_id"] for row in rows]

    def end_one(self) -> None:
        """The first ends, and nobody can be told."""
        go(self.files[0])
        wait_until(lambda: is_gone(self.shims[0]), PATIENCE, "the end of a job")

    def check(self, row: Row) -> None:
        """All is as if nothing had happened: the same worker, both outcomes, and new jobs start."""
        self.installation.online()
        assert not is_gone(self.shims[1])
        go(self.files[1])
        for job in self.jobs:
            row.check(self.installation.ended(job))
        row.check(self.installation.ended(self.installation.submit(f"exit {CODE}")))
        assert "Traceback" not in self.installation.worker_log


@pytest.fixture
def pair(installation: Installation) -> Iterator[Pair]:
    """Two running jobs; afterwards the worker must be the same as before."""
    before = installation.worker["pid"]
    yield Pair(installation)
    assert installation.worker["pid"] == before


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGINT], ids=["immediate", "fast"])
@shows(
    "Database",
    fault="PostgreSQL is stopped, at once (`-m immediate`) or in order (`-m fast`)",
    sees="commands fail with one line, or start an embedded server again, as the worker does",
)
def test_postgresql_is_stopped(pair: Pair, row: Row, number: signal.Signals) -> None:
    former = pair.installation.pid("PostgreSQL")
    assert former is not None
    os.kill(former, number)
    pair.end_one()
    pair.installation.recovered("PostgreSQL", former)
    pair.check(row)


@shows(
    "Database",
    fault="PostgreSQL turns read-only (`default_transaction_read_only`, as on a standby)",
    sees="listings work, actions fail with one line; outcomes wait in the worker and in the spool",
    operator="make it writable again",
)
def test_the_database_is_read_only(pair: Pair, row: Row) -> None:
    installation = pair.installation
    alter(installation, "ALTER SYSTEM SET default_transaction_read_only = on")
    with installation.cursor() as cursor:
        cut(cursor)
    pair.end_one()
    wait_until(lambda: "read-only" in installation.worker_log, PATIENCE, "the worker to notice")
    assert installation.cli("jobs").code == 0
    done = installation.cli("cancel", pair.jobs[1])
    assert (done.code, done.err.count("\n")) == (1, 1), done
    assert "read-only" in done.err
    alter(installation, "ALTER SYSTEM RESET default_transaction_read_only")
    with installation.cursor() as cursor:
        cut(cursor)
    pair.check(row)


@shows(
    "Database",
    fault="PostgreSQL is out of connections",
    sees="commands fail with one line; the worker goes on with those it has, and waits for others",
    operator="find who takes them, or raise `max_connections`",
)
def test_postgresql_is_out_of_connections(installation: Installation, row: Row) -> None:
    alter(installation, "ALTER SYSTEM SET max_connections = 20")
    former = installation.pid("PostgreSQL")
    assert former is not None
    os.kill(former, signal.SIGINT)
    installation.recovered("PostgreSQL", former)
    installation.online()
    pair = Pair(installation)
    with starved(installation):
        pair.end_one()
        wait_until(lambda: "connection slots" in installation.worker_log, PATIENCE, "the worker to be refused")
        done = installation.cli("jobs")
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1), done
        assert "connection slots are reserved" in done.err
    pair.check(row)


@shows(
    "Database",
    fault="PostgreSQL hangs: connections stay, and no answer comes",
    sees="commands fail with one line after some seconds; a worker told to stop does so in half a minute; jobs go on",
    operator="end or wake PostgreSQL, then `jobwarden up`",
)
def test_postgresql_hangs(installation: Installation, row: Row) -> None:
    file = installation.home / "go"
    job = installation.submit(f"{UNTIL_GO}exit {CODE}", str(file))
    shim = installation.until(job, "RUNNING")["allocations"][0]["process_id"]
    worker = installation.worker["pid"]
    wakers = [hang(pid) for pid in server_processes(installation)]
    try:
        done = installation.cli("jobs")
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1), done
        os.kill(worker, signal.SIGTERM)
        wait_until(lambda: is_gone(worker), PATIENCE, "the worker to stop")
        assert not is_gone(shim)
    finally:
        for wake in wakers:
            wake()
    go(file)
    assert installation.cli("up", "--no-tui").code == 0
    row.check(installation.ended(job))


def alter(installation: Installation, sql: str) -> None:
    """Change the server's configuration and let it read that again."""
    with installation.superuser() as cursor:
        cursor.execute("SET default_transaction_read_only = off")
        cursor.execute(sql)
        cursor.execute("SELECT pg_reload_conf()")


def cut(cursor: psycopg2.extensions.cursor) -> None:
    """End every session of ours, so that all have to connect again."""
    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'jobwarden%'")


@contextlib.contextmanager
def starved(installation: Installation) -> Iterator[None]:
    """A server whose every connection is taken, and none by us."""
    taken: list[psycopg2.extensions.connection] = []
    with installation.cursor() as cursor:

        def all_taken() -> bool:
            cut(cursor)
            with contextlib.suppress(psycopg2.OperationalError):
                while True:
                    taken.append(psycopg2.connect(installation.urls.database_url))
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'jobwarden%'")
            return cursor.fetchone() == (0,)

        try:
            wait_until(all_taken, PATIENCE, "every connection")
            yield
        finally:
            for conn in taken:
                conn.close()


def server_processes(installation: Installation) -> list[int]:
    """PostgreSQL, the postmaster first."""
    postmaster = psutil.Process(installation.pid("PostgreSQL"))
    return [postmaster.pid, *(child.pid for child in postmaster.children(recursive=True))]

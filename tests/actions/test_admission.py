"""What can never run is refused or said at submission, by every way in."""

from __future__ import annotations

import pytest

from jobwarden.backend.actions import admission
from jobwarden.backend.actions.results import Context
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.errors import InputError
from jobwarden.backend.monitoring.health import sql as health_sql
from jobwarden.backend.queries.statements import statement
from jobwarden.backend.state import machine
from tests.support.actions import perform
from tests.support.cli import Cli
from tests.support.rows import ACTOR, add_node, pending, request


def test_a_partition_that_no_node_is_in_is_refused_and_nothing_is_submitted(cli: Cli, engine: Engine) -> None:
    with engine.begin() as conn:
        add_node(conn)
    ran = cli("submit", "--partition", "nosuch", "-", input="exit 0\n")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "jobwarden: no node is in partition 'nosuch': there is main\n"
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM jobs")) == 0


def test_before_the_first_worker_every_partition_is_taken(engine: Engine) -> None:
    with engine.begin() as conn:
        assert admission.submit(conn, [request(partition="soon")], ACTOR).warnings == ()


def test_all_of_a_batch_are_refused_for_one(engine: Engine) -> None:
    with engine.connect() as conn:
        add_node(conn)
        conn.commit()
        with pytest.raises(InputError), conn.begin():
            admission.submit(conn, [request(), request(partition="nosuch")], ACTOR)
        assert conn.scalar(text("SELECT count(*) FROM jobs")) == 0


def test_what_no_node_can_hold_is_taken_and_said(cli: Cli, engine: Engine) -> None:
    with engine.begin() as conn:
        add_node(conn, cpus=4)
    ran = cli("submit", "--cpus", "512", "-", input="exit 0\n")
    assert ran.code == 0
    assert ran.err == f"job {ran.out.strip()} cannot start on any node: no node has 512 CPUs\n"


def test_a_partition_that_vanished_stops_a_resubmission(engine: Engine, settings: Settings) -> None:
    with engine.begin() as conn:
        job_id = pending(conn, partition="main")
    ctx = Context(engine, settings, ACTOR)
    assert perform(ctx, "cancel", [job_id], None)[0].ok
    with engine.begin() as conn:
        add_node(conn)
        conn.execute(text("UPDATE nodes SET partitions = '{other}'"))
    result = perform(ctx, "resubmit", [job_id], None)[0]
    assert (result.ok, result.message) == (
        False, "cannot be submitted again: no node is in partition 'main': there is other",
    )  # fmt: skip


def test_health_counts_what_can_never_start(cli: Cli, engine: Engine) -> None:
    with engine.begin() as conn:
        add_node(conn, cpus=4)
        first = pending(conn, cpus=512)
        for _ in range(4):
            pending(conn, partition="nosuch")
        pending(conn, cpus=512, held=True)
    said = cli("health").out
    assert f"5 pending jobs can never start (job {first}: no node has 512 CPUs)" in said
    with engine.connect() as conn:
        assert conn.execute(health_sql.HOPELESS).one() == (5, first)


def test_all_that_are_ahead_are_counted_and_only_those_of_the_same_partition(engine: Engine) -> None:
    with engine.begin() as conn:
        add_node(conn)
        machine.submit(conn, [request()] * 2500, ACTOR)
        machine.submit(conn, [request(partition="other")] * 10, ACTOR)
        machine.submit(conn, [request(held=True)] * 10, ACTOR)
        last = pending(conn)
        place = {"partition": "main", "priority": 0, "job_id": last}
        assert conn.execute(statement("jobs_ahead"), place).scalar_one() == 2500

"""Rights that hold in the database itself: each role, over a connection of its own, may do what it is for, no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobwarden.backend.actions.results import Context, ResultTally
from jobwarden.backend.actions.takeover import AuditedAction, take_over
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, DatabaseError, Engine, text
from jobwarden.backend.database.roles import ROLES, grant_roles
from jobwarden.backend.errors import Refused
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Placement
from tests.support.cli import Cli
from tests.support.logins import Login, database_name, login, login_name
from tests.support.rows import (
    ACTOR,
    actions,
    add_node,
    allocated,
    column,
    live_allocations,
    pending,
    request,
    running,
    started,
)

__all__ = ["login"]

PRIVILEGE = "permission denied|row-level security"


def refused(member: Engine, action: Callable[[Connection], object], why: str = PRIVILEGE) -> None:
    with pytest.raises(DatabaseError, match=why), member.begin() as conn:
        action(conn)


def sql(statement: str) -> Callable[[Connection], object]:
    return lambda conn: conn.execute(text(statement))


def event(engine: Engine, job_id: int) -> tuple[str, str, str]:
    """Action, actor and database user of a job's last event."""
    with engine.connect() as conn:
        row = conn.execute(
            text("SELECT action, actor, database_user FROM events WHERE job_id = :job ORDER BY id DESC LIMIT 1"),
            {"job": job_id},
        ).one()
    return row.action, row.actor, row.database_user


@pytest.fixture
def worker_id(engine: Engine) -> int:
    with engine.begin() as conn:
        return add_node(conn, cpus=16, memory_mb=65536)


@pytest.fixture
def job(engine: Engine, worker_id: int) -> int:
    """A RUNNING job that the owner submitted."""
    with engine.begin() as conn:
        return running(conn, worker_id)[0]


def test_granting_twice_changes_nothing(engine: Engine) -> None:
    grant_roles(engine)
    grant_roles(engine)
    with engine.connect() as conn:
        found = set(conn.scalars(text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'jobwarden\\_%'")))
    assert set(ROLES) <= found


def test_a_viewer_sees_and_changes_nothing(engine: Engine, login: Login, job: int) -> None:
    viewer = login("viewer")
    with viewer.connect() as conn:
        assert column(conn, job, "state") == "RUNNING"
    refused(viewer, lambda conn: machine.submit(conn, [request()], ACTOR))
    refused(viewer, lambda conn: machine.request_end(conn, [job], "kill", ACTOR, None))
    refused(viewer, lambda conn: machine.fail(conn, job, ACTOR, None, release=True))
    refused(viewer, lambda conn: machine.set_drain(conn, "node1", True, ACTOR, "x"))
    refused(viewer, sql("UPDATE jobs SET state = 'FAILED'"))
    refused(viewer, sql("UPDATE resource_allocations SET released = true"))
    refused(viewer, sql("INSERT INTO events (actor, action) VALUES ('x', 'x')"))
    with engine.connect() as conn:
        assert (column(conn, job, "state"), live_allocations(conn, job)) == ("RUNNING", 1)


def test_a_submitter_submits_and_cancels_its_own(engine: Engine, login: Login, job: int, worker_id: int) -> None:
    submitter = login("submitter")
    name = login_name(submitter)
    with submitter.begin() as conn:
        mine, other = machine.submit(conn, [request(), request()], "bob@laptop")
        assert machine.end_unstarted(conn, [mine], "cancel", "bob@laptop", None)
    assert event(engine, mine) == ("cancel", f"{name}/bob@laptop", name)
    with engine.begin() as conn:
        assert (column(conn, mine, "submitted_by"), column(conn, mine, "state")) == (name, "CANCELLED")
        theirs = pending(conn)
    with submitter.begin() as conn:
        assert not machine.end_unstarted(conn, [theirs], "cancel", ACTOR, None)
    refused(submitter, lambda conn: machine.request_end(conn, [job], "cancel", ACTOR, None))
    refused(submitter, lambda conn: machine.set_priority(conn, [other], 5, ACTOR, None))
    refused(submitter, sql(f"UPDATE jobs SET state = 'FAILED' WHERE id = {other}"))
    refused(submitter, sql("INSERT INTO jobs (name, account, script, work_dir, memory_mb, submitted_by)"
                           " VALUES ('x', 'x', 'x', '/', 1, 'postgres')"))  # fmt: skip


def test_a_submitter_cancels_its_own_running_job_through_the_worker(
    engine: Engine, login: Login, worker_id: int
) -> None:
    submitter = login("submitter")
    with submitter.begin() as conn:
        mine = machine.submit(conn, [request()], ACTOR)[0]
    with engine.begin() as conn:
        start(conn, worker_id, mine)
    with submitter.begin() as conn:
        assert machine.request_end(conn, [mine], "cancel", "worker:node1", None)
    refused(submitter, lambda conn: machine.request_end(conn, [mine], "kill", ACTOR, None))
    with engine.connect() as conn:
        [actor] = conn.scalars(text("SELECT actor FROM commands"))
    assert actor == f"{login_name(submitter)}/worker:node1"


def start(conn: Connection, worker_id: int, job_id: int) -> None:
    [(allocation_id, _, _)] = machine.allocate(conn, [Placement(job_id, "node1", worker_id)])
    machine.claim(conn, worker_id, [allocation_id])
    machine.commit_start(conn, worker_id, [started(allocation_id)], "worker:node1")


def test_a_starting_job_of_its_own_is_cancelled_with_its_allocation(
    engine: Engine, login: Login, worker_id: int
) -> None:
    submitter = login("submitter")
    with submitter.begin() as conn:
        mine = machine.submit(conn, [request()], ACTOR)[0]
    with engine.begin() as conn:
        machine.allocate(conn, [Placement(mine, "node1", worker_id)])
    with submitter.begin() as conn:
        assert machine.end_unstarted(conn, [mine], "cancel", ACTOR, None)
    with engine.connect() as conn:
        assert (column(conn, mine, "state"), live_allocations(conn, mine)) == ("CANCELLED", 0)


def test_an_operator_acts_under_its_own_name(engine: Engine, login: Login, job: int, worker_id: int) -> None:
    operator = login("operator")
    name = login_name(operator)
    with engine.begin() as conn:
        waiting = pending(conn)
        starting, allocation_id = allocated(conn, worker_id)
    with operator.begin() as conn:
        assert machine.request_end(conn, [job], "kill", "eve@host", "stuck")
        assert machine.set_priority(conn, [waiting], 7, "eve@host", None)
        assert machine.set_held(conn, [waiting], True, "eve@host", None)
        assert machine.set_drain(conn, "node1", True, "eve@host", "disk")
        assert machine.requeue(conn, [allocation_id], "eve@host", "x", uncommitted=True)
        assert machine.fail(conn, job, "worker:node1", None, release=True)
        assert machine.resubmit(conn, job, "eve@host")
    assert event(engine, job) == ("mark-failed", f"{name}/worker:node1", name)
    with engine.connect() as conn:
        assert actions(conn, starting)[-1] == ("requeue", "RUNNING", "PENDING")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs SET state = 'RUNNING' WHERE id = {waiting}",
        "UPDATE jobs SET state = 'PENDING' WHERE id = {job}",
    ],
)
def test_a_setting_does_not_make_an_operator_the_scheduler(
    engine: Engine, login: Login, job: int, statement: str
) -> None:
    with engine.begin() as conn:
        waiting = pending(conn)
    operator = login("operator")
    action = "allocate" if "RUNNING" in statement else "requeue"

    def forged(conn: Connection) -> None:
        conn.execute(text(f"SET LOCAL jobwarden.action = '{action}'"))
        conn.execute(text(statement.format(job=job, waiting=waiting)))

    refused(operator, forged, "only a worker")


def test_an_operator_does_not_forge_the_audit_or_the_grants(engine: Engine, login: Login, job: int) -> None:
    operator = login("operator")
    refused(operator, sql("INSERT INTO events (actor, action, database_user) VALUES ('x', 'x', 'postgres')"))
    refused(operator, sql("INSERT INTO events (actor, action, at) VALUES ('x', 'x', 'yesterday')"))
    refused(operator, sql("DELETE FROM events"))
    refused(operator, sql("UPDATE resource_allocations SET process_id = 1"))
    refused(operator, sql("UPDATE nodes SET cpus_allocated = 0"))
    refused(operator, sql("DELETE FROM jobs"))


def test_a_temporary_table_does_not_swallow_the_audit(engine: Engine, login: Login) -> None:
    submitter = login("submitter")
    with engine.begin() as conn:
        conn.execute(text(f'GRANT TEMPORARY ON DATABASE "{database_name(engine)}" TO {login_name(submitter)}'))
    with submitter.begin() as conn:
        conn.execute(text("CREATE TEMP TABLE events (LIKE public.events INCLUDING ALL) ON COMMIT DROP"))
        job_id = machine.submit(conn, [request()], ACTOR)[0]
    with engine.connect() as conn:
        assert actions(conn, job_id) == [("submit", None, "PENDING")]


def test_the_worker_role_is_enough_for_a_whole_life(engine: Engine, login: Login, worker_id: int) -> None:
    worker = login("worker")
    with engine.begin() as conn:
        waiting = pending(conn)
    with worker.begin() as conn:
        start(conn, worker_id, waiting)
        add_node(conn, "node2")
        assert machine.fail(conn, waiting, "eve@host", None, release=True)
    assert event(engine, waiting) == (
        "mark-failed",
        f"{login_name(worker)}/eve@host",
        login_name(worker),
    )
    refused(worker, sql("DELETE FROM events"), PRIVILEGE)


def test_the_verb_makes_the_roles_and_postgresql_refuses_a_viewers_kill(
    engine: Engine, login: Login, cli: Cli, job: int
) -> None:
    assert cli("db", "roles").code == 0
    viewer = login("viewer").url
    assert cli("jobs", DATABASE_URL=viewer).code == 0
    outcome = cli("hold", str(_waiting(engine)), "--yes", DATABASE_URL=viewer)
    assert outcome.code == 1
    assert "jobwarden_operator" in outcome.err
    refused(login("viewer"), lambda conn: machine.set_held(conn, [job], True, ACTOR, None))


@pytest.mark.parametrize(("role", "allowed"), [("viewer", False), ("submitter", False), ("operator", True)])
def test_nothing_is_ended_for_who_may_not_record_it(
    engine: Engine, login: Login, settings: Settings, job: int, role: str, allowed: bool
) -> None:
    """Processes are signalled before the database is told, so the database is asked first."""
    with engine.connect() as conn:
        ids = list(conn.scalars(text("SELECT id FROM resource_allocations")))
    tally = ResultTally([job])
    action = AuditedAction("clean", None)
    ctx = Context(login(role), settings, "eve@host")
    if allowed:
        take_over(ctx, ids, action, tally)
    else:
        with pytest.raises(Refused, match="jobwarden_operator"):
            take_over(ctx, ids, action, tally)


def _waiting(engine: Engine) -> int:
    with engine.begin() as conn:
        return pending(conn)

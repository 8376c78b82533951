"""Whoever lacks a right is told which one in one line, and never that all is well."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.state import machine
from tests.support.cli import Cli, Completed
from tests.support.logins import Login, login
from tests.support.rows import ACTOR, add_node, column, live_allocations, pending, request, running

__all__ = ["login"]


@pytest.fixture
def jobs(engine: Engine) -> dict[str, int]:
    """Jobs that the owner submitted: one runs, one waits, one is final and still holds something."""
    with engine.begin() as conn:
        worker_id = add_node(conn, cpus=16, memory_mb=65536)
        final = running(conn, worker_id)[0]
        machine.fail(conn, final, ACTOR, None, release=False)
        return {"running": running(conn, worker_id)[0], "waiting": pending(conn), "final": final}


def run(cli: Cli, login: Login, role: str, jobs: dict[str, int], line: str) -> Completed:
    url = make_url(login(role).url).render_as_string(hide_password=False)
    return cli(*line.format(**jobs).split(), input="#!/bin/sh\n:\n", DATABASE_URL=url)


REFUSED = [
    ("viewer", "submit -", "jobwarden_submitter"),
    ("viewer", "cancel {waiting}", "jobwarden_submitter"),
    ("viewer", "resubmit {final}", "jobwarden_submitter"),
    ("viewer", "kill {running}", "jobwarden_operator"),
    ("viewer", "drain node1", "jobwarden_operator"),
    ("viewer", "db roles", "the owner of the tables"),
    ("submitter", "kill {waiting}", "jobwarden_operator"),
    ("submitter", "cancel {waiting}", "jobwarden_operator"),
    ("submitter", "cancel {running}", "jobwarden_operator"),
    ("submitter", "release {final}", "jobwarden_operator"),
    ("submitter", "mark-failed {running}", "jobwarden_operator"),
    ("submitter", "hold {waiting}", "jobwarden_operator"),
    ("operator", "cleanup --max-age-hours 1", "jobwarden_worker"),
]


@pytest.mark.parametrize(("role", "line", "needed"), REFUSED, ids=[f"{role} {line}" for role, line, _ in REFUSED])
def test_what_is_missing_is_named(
    engine: Engine, login: Login, cli: Cli, jobs: dict[str, int], role: str, line: str, needed: str
) -> None:
    done = run(cli, login, role, jobs, line)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1), done
    assert needed in done.err
    with engine.connect() as conn:
        states = [column(conn, jobs[name], "state") for name in ("running", "waiting", "final")]
        assert (states, live_allocations(conn, jobs["final"])) == (["RUNNING", "PENDING", "FAILED"], 1)
        assert conn.scalar(text("SELECT count(*) FROM jobs")) == 3


@pytest.mark.parametrize("line", ["jobs", "orphans", "alerts", "workers", "events", "metrics", "show {running}"])
def test_a_viewer_sees_everything(login: Login, cli: Cli, jobs: dict[str, int], line: str) -> None:
    assert run(cli, login, "viewer", jobs, line).code == 0


def test_health_is_for_every_viewer(login: Login, cli: Cli, jobs: dict[str, int]) -> None:
    done = run(cli, login, "viewer", jobs, "health")
    assert (done.code, "UNKNOWN" in done.out) == (1, False), done.out


def test_of_many_jobs_a_submitter_cancels_its_own(engine: Engine, login: Login, cli: Cli, jobs: dict[str, int]) -> None:
    submitter = login("submitter")
    with submitter.begin() as conn:
        mine = machine.submit(conn, [request()], ACTOR)[0]
    url = submitter.url
    done = cli("cancel", "--yes", jobs["waiting"], mine, DATABASE_URL=url)
    assert (done.code, done.out) == (1, f"job {mine}: CANCELLED: it had not started\n")
    assert done.err.startswith(f"job {jobs['waiting']} was submitted by another database user")

"""The Python API: the same guarantees as the command, and no error of a database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobwarden.backend import api
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.errors import InputError, JobwardenError, Refused, Unavailable
from jobwarden.backend.state import machine
from tests.support.rows import ACTOR, add_node, allocated, column, live_allocations


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The environment names this test's installation."""
    monkeypatch.setenv("JOBWARDEN_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("REDIS_URL", str(settings.redis_url))


def test_submit_stores_what_was_said_over_what_the_script_says(engine: Engine) -> None:
    script = "#!/bin/sh\n#JOBWARDEN --cpus 3 --name from-script\ntrue\n"
    job_id = api.submit_job(script, arguments=("a b",), cpus=2, environment={"K": "ü"}, work_dir="/", time_limit=9)
    with engine.connect() as conn:
        assert [column(conn, job_id, name) for name in ("cpus", "name", "arguments", "environment", "time_limit")] == [
            2, "from-script", ["a b"], {"K": "ü", "JOBWARDEN_SCRIPT": "", "JOBWARDEN_SUBMIT_DIR": str(Path.cwd())}, 9,
        ]  # fmt: skip


@pytest.mark.parametrize("bad", [{"cpus": 0}, {"memory_mb": -1}, {"work_dir": "/nowhere/at/all"}, {"time_limit": 0}])
def test_bad_input_changes_nothing(engine: Engine, bad: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        api.submit_job("true\n", **bad)
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM jobs")) == 0


@pytest.mark.parametrize("script", ["echo \ud800\n", "echo \udcff\n", " ", "a\0b"])
def test_a_script_that_cannot_be_one_is_bad_input(engine: Engine, script: str) -> None:
    with pytest.raises(InputError):
        api.submit_job(script, work_dir="/")


def test_cancel_may_be_called_any_number_of_times(engine: Engine) -> None:
    job_id = api.submit_job("true\n", held=True, work_dir="/")
    assert [api.cancel_job(job_id), api.cancel_job(job_id), api.cancel_job(job_id)] == [True, False, False]
    with engine.connect() as conn:
        assert column(conn, job_id, "state") == "CANCELLED"


def test_release_may_be_called_any_number_of_times(engine: Engine) -> None:
    with engine.begin() as conn:
        job_id, _ = allocated(conn, add_node(conn))
    with pytest.raises(Refused):
        api.release_resources(job_id)
    with engine.begin() as conn:
        machine.fail(conn, job_id, ACTOR, None, release=False)
        assert live_allocations(conn, job_id) == 1
    assert [api.release_resources(job_id), api.release_resources(job_id)] == [True, False]
    with engine.connect() as conn:
        assert live_allocations(conn, job_id) == 0


@pytest.mark.parametrize("call", [api.cancel_job, api.release_resources])
def test_an_unknown_job_is_bad_input(call: Callable[[int], bool]) -> None:
    with pytest.raises(InputError, match="no job 999"):
        call(999)


def test_no_installation_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("REDIS_URL")
    with pytest.raises(JobwardenError, match="jobwarden up"):
        api.submit_job("true\n", work_dir="/")


CALLS = (lambda: api.submit_job("true\n", work_dir="/"), lambda: api.cancel_job(1), lambda: api.release_resources(1))


@pytest.mark.parametrize("call", CALLS, ids=["submit", "cancel", "release"])
def test_a_database_that_cannot_be_reached_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://x:secret@127.0.0.1:1/none")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1") as caught:
        call()
    assert "secret" not in str(caught.value)


def test_what_the_database_refuses_is_refused(engine: Engine, settings: Settings) -> None:
    database = str(settings.database_url).partition("@/")[2].partition("?")[0]
    with engine.begin() as conn:
        conn.execute_script(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    with pytest.raises(Refused, match="read-only"):
        api.submit_job("true\n", work_dir="/")

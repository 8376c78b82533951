"""Who may archive: the owner and the workers, by the function alone; nobody else, and before a file is written."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from jobwarden.backend.database.driver import DatabaseError, text
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.database.roles import grant_roles
from tests.housekeeping.conftest import Past


@pytest.fixture
def member(past: Past, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a login that is a member of the role."""
    grant_roles(past.engine)
    name = f"{request.param}_{uuid.uuid4().hex[:8]}"
    past.stage.execute(f"CREATE ROLE {name} LOGIN IN ROLE jobwarden_{request.param}")
    yield make_url(past.engine.url).set(username=name, drivername="postgresql").render_as_string(hide_password=False)
    past.stage.execute(f"DROP ROLE {name}")


@pytest.mark.parametrize("member", ["worker"], indirect=True)
def test_a_worker_archives_and_deletes_nothing_else(past: Past, member: str) -> None:
    past.old_rows(3)
    done = past.cli("cleanup", "--max-age-hours", 0, DATABASE_URL=member)
    assert (done.code, done.err) == (0, "")
    assert (past.jobs(), past.count("archives")) == (set(), 1)
    [young] = past.old_rows(1, hours=1)
    engine = make_engine(member)
    for statement in ("DELETE FROM events", f"DELETE FROM jobs WHERE id = {young}", "DELETE FROM archives"):
        with pytest.raises(DatabaseError, match="permission denied"), engine.begin() as conn:
            conn.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize("member", ["viewer", "operator"], indirect=True)
def test_others_are_told_before_anything_is_done(past: Past, member: str) -> None:
    past.old_rows(3)
    past.stage.allocate(past.stage.worker())
    folder = past.folder("900000")
    done = past.cli("cleanup", "--max-age-hours", 0, DATABASE_URL=member)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert (past.stage.held_allocations(), folder.exists()) == (1, True)
    assert "may not archive" in done.err
    assert list(past.settings.archives.iterdir()) == []
    assert past.count("jobs") == 4


@pytest.mark.parametrize("member", ["viewer"], indirect=True)
def test_a_dry_run_is_for_whoever_may_look(past: Past, member: str) -> None:
    past.old_rows(3)
    done = past.cli("cleanup", "--max-age-hours", 0, "--dry-run", DATABASE_URL=member)
    assert (done.code, done.err) == (0, "")
    assert "archive: 3 jobs and 6 events would be archived" in done.out

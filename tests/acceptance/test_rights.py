"""Alice may look. PostgreSQL itself refuses her everything else, and jobwarden says so in one line."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg2.errors
import pytest
from sqlalchemy import make_url

from jobwarden.backend.database.driver import DatabaseError, Engine, text
from jobwarden.backend.database.engine import make_engine
from tests.acceptance.page import block, section
from tests.acceptance.site import Site, Terminal
from tests.support.processes import is_gone
from tests.support.scene import scene


@pytest.fixture
def alice(site: Site, terminal: Terminal, engine: Engine) -> Iterator[str]:
    """The DATABASE_URL of the login that the guide makes; by another name, for roles belong to the whole server."""
    assert terminal.type(block("Install a worker", of="db roles")).code == 0
    name = f"alice_{uuid.uuid4().hex[:8]}"
    [statements] = section("Who may do what", "sql")
    assert "GRANT jobwarden_viewer TO alice" in statements
    with engine.begin() as conn:
        conn.execute(text(statements.replace("alice", name)))
    yield make_url(engine.url).set(username=name, drivername="postgresql").render_as_string(hide_password=False)
    with engine.begin() as conn:
        conn.execute(text(f"DROP ROLE {name}"))


def test_a_viewer_cannot_kill(site: Site, engine: Engine, mark: str, alice: str) -> None:
    with scene(engine, site.settings, mark) as stage:
        job = stage.run(stage.worker(alive=True), "echo up\nexec sleep 600\n")
        job.said("up")
        assert str(job.id) in site.cli("jobs", DATABASE_URL=alice).out

        refused = site.cli("kill", job.id, "--yes", DATABASE_URL=alice)

        assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1), refused
        assert "jobwarden_operator" in refused.err
        hers = make_engine(alice)
        for statement in (
            f"UPDATE jobs SET state = 'FAILED' WHERE id = {job.id}",
            f"INSERT INTO commands (job_id, node_name, action, actor) VALUES ({job.id}, 'node1', 'kill', 'root@here')",
            "UPDATE resource_allocations SET released = true",
        ):
            with pytest.raises(DatabaseError) as error, hers.begin() as conn:
                conn.execute(text(statement))
            assert isinstance(error.value.orig, psycopg2.errors.InsufficientPrivilege), error.value
        hers.dispose()
        assert (stage.state(job.id), stage.held_allocations(), is_gone(job.pid)) == ("RUNNING", 1, False)

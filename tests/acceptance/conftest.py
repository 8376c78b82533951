"""A site for each test, and a terminal at it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.database.roles import grant_roles
from tests.acceptance.page import block
from tests.acceptance.site import PATIENCE, Site, Terminal, site_environment
from tests.support.processes import MARK, wait_until


@pytest.fixture
def worker_login(engine: Engine) -> Iterator[str]:
    """The URL of a login with the roles that the guide gives to the one in jobwarden.toml: it also tries things."""
    grant_roles(engine)
    name = f"desk_{uuid.uuid4().hex[:8]}"
    with engine.begin() as conn:
        conn.execute(text(f"CREATE ROLE {name} LOGIN IN ROLE jobwarden_worker, jobwarden_operator"))
    yield make_url(engine.url).set(username=name, drivername="postgresql").render_as_string(hide_password=False)
    with engine.begin() as conn:
        conn.execute(text(f"DROP ROLE {name}"))


@pytest.fixture
def site(settings: Settings, mark: str, tmp_path: Path) -> Site:
    """Configured; nothing runs yet. Its database has the schema."""
    made = Site(settings, site_environment(settings.home, tmp_path, **{MARK: mark}))
    made.configure()
    return made


@pytest.fixture
def terminal(site: Site) -> Iterator[Terminal]:
    """A shell at the site, in which the guide is followed."""
    made = Terminal(site)
    yield made
    made.close()


@pytest.fixture
def kept(site: Site, terminal: Terminal) -> int:
    """A worker, kept by deploy/keep-worker.sh as the guide starts it; the pid of that script."""
    assert terminal.type(block("Install a worker", of="keep-worker.sh")).code == 0
    keeper = int(terminal.type("echo $!").out)
    wait_until(lambda: site.cli("health").code == 0, PATIENCE, "a healthy installation")
    return keeper

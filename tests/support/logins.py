"""Logins that hold one group role each, for tests of what the database itself refuses."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import make_url

from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.database.roles import grant_roles

Login = Callable[[str], Engine]


@pytest.fixture
def login(engine: Engine) -> Iterator[Login]:
    """Gives an engine whose connections log in as a new member of a role, named without its ``jobwarden_``."""
    grant_roles(engine)
    with ExitStack() as stack:

        def as_member(role: str) -> Engine:
            name = f"{role}_{uuid.uuid4().hex[:8]}"
            with engine.begin() as conn:
                conn.execute(text(f"CREATE ROLE {name} LOGIN IN ROLE jobwarden_{role}"))
            stack.callback(_forget, engine, name)
            member = make_engine(make_url(engine.url).set(username=name).render_as_string(hide_password=False))
            stack.callback(member.dispose)
            return member

        yield as_member


def login_name(engine: Engine) -> str:
    """Whom its connections log in as."""
    return str(make_url(engine.url).username)


def database_name(engine: Engine) -> str:
    """The database that it is for."""
    return str(make_url(engine.url).database)


def _forget(engine: Engine, name: str) -> None:
    with engine.begin() as conn:
        conn.execute(text(f"DROP OWNED BY {name}"))
        conn.execute(text(f"DROP ROLE {name}"))

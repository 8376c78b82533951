"""Roles and databases with settings that are not ours: each is overruled, or refused in one line."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import make_url

from jobwarden.backend.database.driver import DatabaseError, Engine, text
from jobwarden.backend.database.engine import conflict, make_engine, refused
from tests.support.cli import Cli
from tests.support.rows import add_node, pending

Alter = Callable[[str], str]


@pytest.fixture
def alter(engine: Engine) -> Iterator[Alter]:
    """Make a superuser with a setting of its own; the URL of its database."""
    made: list[str] = []

    def alter(setting: str) -> str:
        name = f"odd_{uuid.uuid4().hex[:8]}"
        with engine.begin() as conn:
            conn.execute(text(f"CREATE ROLE {name} LOGIN SUPERUSER"))
            conn.execute(text(f"ALTER ROLE {name} SET {setting}"))
        made.append(name)
        return make_url(engine.url).set(username=name).render_as_string(hide_password=False)

    yield alter
    with engine.begin() as conn:
        for name in made:
            conn.execute(text(f"DROP OWNED BY {name}"))
            conn.execute(text(f"DROP ROLE {name}"))


@pytest.mark.parametrize(
    ("setting", "name", "kept"),
    [
        ("client_encoding = 'latin1'", "client_encoding", "UTF8"),
        ("default_transaction_isolation = 'serializable'", "transaction_isolation", "read committed"),
        ("default_transaction_isolation = 'repeatable read'", "transaction_isolation", "read committed"),
        ("idle_session_timeout = '5s'", "idle_session_timeout", "0"),
        ("timezone = 'Asia/Tokyo'", "timezone", "UTC"),
    ],
)
def test_what_we_rely_on_is_said_for_each_session(alter: Alter, setting: str, name: str, kept: str) -> None:
    odd = make_engine(alter(setting))
    for _ in range(2):
        with odd.connect() as conn:
            assert conn.scalar(text("SELECT current_setting(:name)"), {"name": name}) == kept
        with odd.connect() as conn:
            conn.one_moment(read_only=False).scalar(text("SELECT 1"))
    odd.dispose()


@pytest.mark.parametrize("setting", ["client_encoding = 'latin1'", "DateStyle = 'German'"])
def test_texts_of_all_languages_pass(alter: Alter, cli: Cli, setting: str) -> None:
    there = cli.with_env({"DATABASE_URL": alter(setting), "PGCLIENTENCODING": "LATIN1"})
    assert there("submit", "--name", "日本", "-", input="echo 日本\n").code == 0
    [job] = there("jobs", "--json").json
    assert job["name"] == "日本"


def test_a_search_path_without_a_schema_is_one_line(alter: Alter, cli: Cli) -> None:
    url = alter("search_path = ''")
    for verb in (("jobs",), ("submit", "-"), ("db", "upgrade")):
        done = cli(*verb, input="true\n", DATABASE_URL=url)
        assert (done.code, done.err.count("\n")) == (1, 1), done.err
        assert "SET search_path = public" in done.err


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_text_is_refused(engine: Engine, cli: Cli, encoding: str) -> None:
    name = f"odd_{uuid.uuid4().hex[:8]}"
    with engine.connect().autocommit() as conn:
        conn.execute(text(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"))
        try:
            done = cli("db", "upgrade", DATABASE_URL=make_url(engine.url).set(database=name).render_as_string(False))
        finally:
            conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert f"has the encoding {encoding}, jobwarden needs UTF8" in done.err


def test_a_conflict_is_no_lost_connection(engine: Engine) -> None:
    with engine.begin() as conn:
        add_node(conn)
        pending(conn)
    with engine.connect() as one, engine.connect() as two:
        for conn in (one, two):
            conn.one_moment(read_only=False).scalar(text("SELECT count(*) FROM nodes"))
        one.execute(text("UPDATE nodes SET drain_reason = 'a'"))
        one.commit()
        with pytest.raises(DatabaseError, match="could not serialize") as caught:
            two.execute(text("UPDATE nodes SET drain_reason = 'b'"))
        two.rollback()
    assert conflict(caught.value)
    assert not refused(caught.value)

"""The schema check, and the constant it compares with."""

from __future__ import annotations

import threading

import pytest
from alembic.script import ScriptDirectory

from jobwarden.backend.database.driver import DatabaseError, Engine, text
from jobwarden.backend.database.engine import SCHEMA_VERSION, check_schema, make_engine, parse_url, unavailable
from jobwarden.backend.database.upgrade import alembic_config, upgrade
from jobwarden.backend.errors import InputError, Refused


def test_the_constant_is_the_head_of_the_migrations() -> None:
    script = ScriptDirectory.from_config(alembic_config("postgresql://nobody@/nothing"))
    assert script.get_current_head() == SCHEMA_VERSION


def test_an_empty_database_names_the_command(empty_database_url: str) -> None:
    engine = make_engine(empty_database_url)
    with pytest.raises(Refused, match="jobwarden db upgrade"):
        check_schema(engine)
    upgrade(empty_database_url)
    check_schema(engine)
    engine.dispose()


@pytest.mark.parametrize(("version", "advice"), [("0000", "jobwarden db upgrade"), ("9999", "upgrade jobwarden")])
def test_another_version_says_what_to_do(engine: Engine, version: str, advice: str) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    with pytest.raises(Refused, match=advice):
        check_schema(engine)


def test_two_upgrades_at_once_make_one_schema(empty_database_url: str) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            upgrade(empty_database_url)
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    engine = make_engine(empty_database_url)
    check_schema(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://x/y", "not a url", "http://x", ""])
def test_a_wrong_url_is_bad_input(url: str) -> None:
    with pytest.raises(InputError, match="DATABASE_URL"):
        parse_url(url)


def test_an_unreachable_database_is_one_line_without_the_password() -> None:
    engine = make_engine("postgresql://me:secret@127.0.0.1:1/db")
    with pytest.raises(DatabaseError) as refused:
        engine.connect()
    line = str(unavailable(refused.value, engine))
    assert "127.0.0.1" in line
    assert "\n" not in line
    assert "secret" not in line

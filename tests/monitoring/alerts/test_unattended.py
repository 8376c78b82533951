"""The last worker is dead, and with it everybody who would say so: who looks sees it, and cron can tell."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from sqlalchemy import make_url

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.database.roles import grant_roles
from jobwarden.backend.monitoring.alerts.monitor import AlertMonitor
from jobwarden.backend.monitoring.alerts.without_worker import alerts_now
from tests.monitoring.alerts.conftest import Receiver
from tests.support.cli import Cli
from tests.support.rows import add_node


@pytest.fixture
def dead(engine: Engine) -> int:
    """The only worker, last heard of an hour ago."""
    with engine.begin() as conn:
        worker_id = add_node(conn)
        conn.execute(text("UPDATE workers SET heartbeat_at = now() - interval '1 hour'"))
    return worker_id


def seen(engine: Engine, settings: Settings) -> list[tuple[int, str]]:
    with engine.connect() as conn:
        return [(alert.id, alert.message) for alert in alerts_now(conn, settings)]


def revive(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE workers SET heartbeat_at = now() + interval '1 hour', pid = 1, machine_id = 'x'"))


LOST = "no worker on node1: start it again: it takes over its jobs"


def test_who_looks_sees_it_and_nothing_is_kept(engine: Engine, settings: Settings, cli: Cli, dead: int) -> None:
    assert seen(engine, settings) == [(0, LOST)]
    [row] = cli("alerts", "--json").json
    assert (row["rule"], row["message"], row["value"]) == ("dead-workers", LOST, 1)
    assert LOST in cli("alerts").out
    assert 'jobwarden_alerts{node="",rule="dead-workers"} 1.0' in cli("metrics").out
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM alerts")) == 0


def test_it_is_not_said_of_workers_that_were_stopped_nor_with_the_rule_off(
    engine: Engine, settings: Settings, dead: int
) -> None:
    assert seen(engine, settings.but(alert_dead_workers=None)) == []
    with engine.begin() as conn:
        conn.execute(text("UPDATE workers SET ended_at = now()"))
    assert seen(engine, settings) == []


def test_an_alert_that_is_kept_is_said_once_with_the_words_of_now(
    engine: Engine, settings: Settings, dead: int
) -> None:
    with engine.begin() as conn:
        kept = conn.scalar(text("INSERT INTO alerts (rule, message, value, threshold)"
                                " VALUES ('dead-workers', 'no worker on node7', 1, 0) RETURNING id"))  # fmt: skip
    assert seen(engine, settings) == [(kept, LOST)]


def test_one_that_lives_says_it_itself(engine: Engine, settings: Settings, dead: int, cli: Cli) -> None:
    with engine.begin() as conn:
        add_node(conn, "node2")
    assert seen(engine, settings) == []
    for variables in ({}, {"JOBWARDEN_ALERT_COMMAND": "false"}):
        done = cli.with_env(variables)("alerts", "--notify")
        assert (done.code, done.out, done.err) == (0, "", "")


def test_cron_tells_it_once_and_the_next_worker_its_end(
    engine: Engine, settings: Settings, dead: int, receiver: Receiver, cli: Cli
) -> None:
    first = cli("alerts", "--notify", JOBWARDEN_ALERT_WEBHOOK=receiver.url)
    assert (first.code, first.out) == (0, f"notified, raised: {LOST}\n")
    again = cli("alerts", "--notify", JOBWARDEN_ALERT_WEBHOOK=receiver.url)
    assert (again.code, again.out) == (0, "")
    revive(engine)
    chosen = settings.but(alert_for_seconds=0, alert_webhook=receiver.url)
    keeper = AlertMonitor(engine, chosen, lambda: True)
    keeper.judge()
    keeper.tell()
    told = receiver.wait_for(2)
    assert [body["status"] for body in told] == ["raised", "cleared"]
    assert told[1]["message"] == "resolved: every node has its worker"
    keeper.stop()


def test_what_no_receiver_took_is_due_again_and_what_one_took_is_not(
    engine: Engine, dead: int, receiver: Receiver, cli: Cli, tmp_path: Path
) -> None:
    receiver.status = 500
    urls = {"JOBWARDEN_ALERT_WEBHOOK": receiver.url}
    for _ in range(2):
        done = cli.with_env(urls)("alerts", "--notify")
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert "HTTP Error 500" in done.err
    assert len(receiver.bodies) == 2
    assert "not delivered, dead-workers" in cli("alerts").out
    got = tmp_path / "got"
    urls["JOBWARDEN_ALERT_COMMAND"] = f"sh -c 'cat >> {got}'"
    assert cli.with_env(urls)("alerts", "--notify").code == 1
    assert cli.with_env(urls)("alerts", "--notify").code == 0
    assert got.read_text().count("dead-workers") == 1


def test_nobody_to_tell_and_no_right_to_are_one_line(
    engine: Engine, dead: int, cli: Cli, database_url: str, receiver: Receiver
) -> None:
    done = cli("alerts", "--notify")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "set alert_command or alert_webhook" in done.err
    assert cli("alerts", "--notify", "--test").code == 2
    grant_roles(engine)
    name = f"viewer_{uuid.uuid4().hex[:8]}"
    with engine.begin() as conn:
        conn.execute(text(f"CREATE ROLE {name} LOGIN IN ROLE jobwarden_viewer"))
    url = make_url(engine.url).set(username=name).render_as_string(hide_password=False)
    try:
        done = cli("alerts", "--notify", DATABASE_URL=url, JOBWARDEN_ALERT_WEBHOOK=receiver.url)
    finally:
        with engine.begin() as conn:
            conn.execute(text(f"DROP ROLE {name}"))
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "jobwarden_worker" in done.err
    assert receiver.bodies == []

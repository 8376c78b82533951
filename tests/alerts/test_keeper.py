"""Alerts are raised once, told once, and their recovery too; judged here as the worker's thread does, turn by turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from backend.alerts import book
from backend.alerts.keeper import ATTEMPTS, Keeper
from backend.settings import Settings
from backend.state import machine
from tests.alerts.conftest import Receiver
from tests.support.rows import ACTOR, add_node, pending, running

Make = Callable[..., Keeper]


@pytest.fixture
def make(engine: Engine, settings: Settings) -> Make:
    """A keeper that judges at once; only the rules whose thresholds are given."""

    def keeper(leads: bool = True, **given: Any) -> Keeper:
        off = {name: None for name in Settings.model_fields if name.startswith("alert_") and name in THRESHOLDS}
        chosen = settings.model_copy(update={**off, "alert_for_seconds": 0, **given})
        return Keeper(engine, chosen, lambda: leads)

    return keeper


THRESHOLDS = {
    "alert_orphans", "alert_dead_workers", "alert_disk_percent", "alert_waiting_seconds", "alert_failure_percent",
}  # fmt: skip


def open_rules(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as conn:
        return [alert.key for alert in book.open_alerts(conn)]


def events(engine: Engine) -> list[str]:
    with engine.connect() as conn:
        return list(conn.scalars(text("SELECT action FROM events WHERE action LIKE 'alert%' ORDER BY id")))


def test_a_waiting_job_raises_one_alert_and_its_end_clears_it(engine: Engine, make: Make, receiver: Receiver) -> None:
    with engine.begin() as conn:
        job_id = pending(conn)
    keeper = make(alert_waiting_seconds=0, alert_webhook=receiver.url)
    for _ in range(3):
        keeper.judge()
        keeper.tell()
    assert open_rules(engine) == [("waiting", "")]
    with engine.begin() as conn:
        machine.end_unstarted(conn, job_id, "cancel", ACTOR, None)
    for _ in range(3):
        keeper.judge()
        keeper.tell()
    assert open_rules(engine) == []
    assert [(body["status"], body["rule"]) for body in receiver.bodies] == [
        ("raised", "waiting"),
        ("cleared", "waiting"),
    ]
    assert str(job_id) in receiver.bodies[0]["message"]
    assert events(engine) == ["alert", "alert-cleared"]


def test_a_held_job_does_not_wait(engine: Engine, make: Make) -> None:
    with engine.begin() as conn:
        pending(conn, held=True)
    make(alert_waiting_seconds=0).judge()
    assert open_rules(engine) == []


def test_lost_jobs_and_their_dead_worker(engine: Engine, make: Make) -> None:
    with engine.begin() as conn:
        worker_id = add_node(conn)
        for _ in range(3):
            running(conn, worker_id)
        conn.execute(text("UPDATE workers SET heartbeat_at = now() - interval '1 hour'"))
    make(alert_orphans=3, alert_dead_workers=1).judge()
    assert open_rules(engine) == []
    make(alert_orphans=2, alert_dead_workers=0).judge()
    assert open_rules(engine) == [("orphans", ""), ("dead-workers", "")]


def test_the_failure_rate(engine: Engine, make: Make) -> None:
    keeper = make(alert_failure_percent=50)
    with engine.begin() as conn:
        worker_id = add_node(conn, cpus=64, memory_mb=1 << 20)
        jobs = [running(conn, worker_id)[0] for _ in range(10)]
        for job_id in jobs[:9]:
            machine.fail(conn, job_id, ACTOR, None, release=True)
    keeper.judge()
    assert open_rules(engine) == []
    with engine.begin() as conn:
        machine.fail(conn, jobs[9], ACTOR, None, release=True)
    keeper.judge()
    assert open_rules(engine) == [("failures", "")]


def test_every_worker_judges_its_own_disk_and_the_leader_alone_the_rest(
    engine: Engine, make: Make, settings: Settings
) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    with engine.begin() as conn:
        pending(conn)
    make(leads=False, alert_disk_percent=0, alert_waiting_seconds=0).judge()
    assert open_rules(engine) == [("disk", settings.node_name)]


def test_an_alert_waits_until_its_threshold_was_exceeded_long_enough(engine: Engine, make: Make) -> None:
    with engine.begin() as conn:
        pending(conn)
    keeper = make(alert_waiting_seconds=0, alert_for_seconds=3600)
    keeper.judge()
    keeper.judge()
    assert open_rules(engine) == []


def test_a_rule_that_is_switched_off_and_a_node_that_is_gone_leave_no_alert_behind(engine: Engine, make: Make) -> None:
    with engine.begin() as conn:
        pending(conn)
        conn.execute(
            text("INSERT INTO alerts (rule, subject, message, value, threshold) VALUES ('disk', 'x', 'm', 1, 0)")
        )
    make(alert_waiting_seconds=0).judge()
    assert open_rules(engine) == [("waiting", "")]
    make().judge()
    assert open_rules(engine) == []


def test_a_receiver_that_fails_is_tried_again_and_then_given_up(
    engine: Engine, make: Make, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.alerts.keeper.PAUSE_SECONDS", 0.0)
    receiver.status = 503
    with engine.begin() as conn:
        pending(conn)
    keeper = make(alert_waiting_seconds=0, alert_webhook=receiver.url)
    keeper.judge()
    for _ in range(ATTEMPTS + 3):
        keeper.tell()
    assert len(receiver.bodies) == ATTEMPTS


def test_two_leaders_at_once_raise_one_alert(engine: Engine, make: Make) -> None:
    with engine.begin() as conn:
        pending(conn)
    make(alert_waiting_seconds=0).judge()
    make(alert_waiting_seconds=0).judge()
    assert len(events(engine)) == 1

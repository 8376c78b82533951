"""Alerts are raised once, told once, and their recovery too; judged here as the worker's thread does, turn by turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobwarden.backend.config.settings import RULES, Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.domain.states import FailureReason
from jobwarden.backend.monitoring.alerts import receiver as receivers
from jobwarden.backend.monitoring.alerts import store
from jobwarden.backend.monitoring.alerts.monitor import AlertMonitor
from jobwarden.backend.state import machine
from tests.monitoring.alerts.conftest import Receiver
from tests.support.cli import Cli
from tests.support.processes import wait_until
from tests.support.rows import ACTOR, add_node, pending, running

Make = Callable[..., AlertMonitor]


@pytest.fixture
def make(engine: Engine, settings: Settings) -> Make:
    """A keeper that judges at once; only the rules whose thresholds are given."""

    def keeper(leads: bool = True, **given: Any) -> AlertMonitor:
        off = {name: None for name, rule in RULES.items() if rule.off}
        chosen = settings.but(**{**off, "alert_for_seconds": 0, **given})
        return AlertMonitor(engine, chosen, lambda: leads)

    return keeper


def told_all(keeper: AlertMonitor) -> bool:
    """Tell what is due; whether nothing is left to be told."""
    keeper.tell()
    return keeper.idle


def turn(keeper: AlertMonitor) -> None:
    """Judge, and tell until what is to be told was delivered or given up."""
    keeper.judge()
    wait_until(lambda: told_all(keeper), 60, "the receivers")


def open_rules(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as conn:
        return [alert.key for alert in store.open_alerts(conn)]


def events(engine: Engine) -> list[str]:
    with engine.connect() as conn:
        return list(conn.scalars(text("SELECT action FROM events WHERE action LIKE 'alert%' ORDER BY id")))


def test_a_waiting_job_raises_one_alert_and_its_end_clears_it(engine: Engine, make: Make, receiver: Receiver) -> None:
    with engine.begin() as conn:
        job_id = pending(conn)
    keeper = make(alert_waiting_seconds=0, alert_webhook=receiver.url)
    for _ in range(3):
        turn(keeper)
    assert open_rules(engine) == [("waiting", "")]
    with engine.begin() as conn:
        machine.end_unstarted(conn, [job_id], "cancel", ACTOR, None)
    for _ in range(3):
        turn(keeper)
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


def fail(engine: Engine, jobs: list[int], reason: FailureReason = FailureReason.SCRIPT_ERROR) -> None:
    with engine.begin() as conn:
        for job_id in jobs:
            machine.fail(conn, job_id, ACTOR, None, failure_reason=reason, release=True)


@pytest.fixture
def jobs(engine: Engine) -> list[int]:
    """Thirty that run."""
    with engine.begin() as conn:
        worker_id = add_node(conn, cpus=64, memory_mb=1 << 20)
        return [running(conn, worker_id)[0] for _ in range(30)]


def test_the_failure_rate(engine: Engine, make: Make, jobs: list[int]) -> None:
    keeper = make(alert_failure_percent=50)
    fail(engine, jobs[:9])
    keeper.judge()
    assert open_rules(engine) == []
    fail(engine, jobs[9:10])
    keeper.judge()
    assert open_rules(engine) == [("failures", "")]


def test_what_an_operator_ended_is_no_failure(engine: Engine, make: Make, jobs: list[int]) -> None:
    """A clean-up after a dead worker marks them all as failed; a rate is of what ended by itself."""
    keeper = make(alert_failure_percent=50)
    fail(engine, jobs[:20], FailureReason.OPERATOR)
    keeper.judge()
    assert open_rules(engine) == []
    fail(engine, jobs[20:])
    keeper.judge()
    assert said(engine) == ["10 of 10 jobs FAILED within 15:00: see `jobwarden jobs state:failed`"]


def said(engine: Engine) -> list[str]:
    with engine.connect() as conn:
        return [alert.message for alert in store.open_alerts(conn)]


def test_an_alert_says_what_is_true_now_and_so_does_its_recovery(
    engine: Engine, make: Make, receiver: Receiver, jobs: list[int]
) -> None:
    keeper = make(alert_failure_percent=50, alert_webhook=receiver.url)
    fail(engine, jobs[:10])
    turn(keeper)
    assert receiver.wait_for(1)[0]["message"].startswith("10 of 10 ")
    fail(engine, jobs[10:])
    turn(keeper)
    assert said(engine)[0].startswith("30 of 30 jobs FAILED")
    with engine.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = replica"))  # the audit is not rewritten otherwise
        conn.execute(text("UPDATE events SET at = at - interval '1 hour' WHERE job_id = ANY(:ids)"), {"ids": jobs[5:]})
    turn(keeper)
    told = receiver.wait_for(2)[1]
    assert (told["status"], told["value"]) == ("cleared", 0)
    assert told["message"] == "resolved: 5 of 5 jobs FAILED within 15:00: too few for a rate"


def test_a_reminder_comes_with_the_numbers_of_now(engine: Engine, make: Make, receiver: Receiver) -> None:
    with engine.begin() as conn:
        first = pending(conn)
    keeper = make(alert_waiting_seconds=0, alert_webhook=receiver.url, alert_reminder_seconds=3600)
    turn(keeper)
    turn(keeper)
    with engine.begin() as conn:
        machine.end_unstarted(conn, [first], "cancel", ACTOR, None)
        second = pending(conn)
        conn.execute(text("UPDATE alerts SET told_raised_at = told_raised_at - interval '2 hours'"))
    for _ in range(3):
        turn(keeper)
    assert [(body["status"], body["alert_id"]) for body in receiver.bodies] == [("raised", 1), ("reminder", 1)]
    assert f"job {second} has waited" in receiver.bodies[1]["message"]


def test_no_reminder_where_they_are_off(engine: Engine, make: Make, receiver: Receiver) -> None:
    with engine.begin() as conn:
        pending(conn)
    keeper = make(alert_waiting_seconds=0, alert_webhook=receiver.url, alert_reminder_seconds=None)
    turn(keeper)
    with engine.begin() as conn:
        conn.execute(text("UPDATE alerts SET told_raised_at = now() - interval '1 year'"))
    turn(keeper)
    assert len(receiver.bodies) == 1


def test_a_closed_alert_of_a_rule_that_is_off_does_not_say_that_all_is_well(
    engine: Engine, make: Make, receiver: Receiver
) -> None:
    with engine.begin() as conn:
        pending(conn)
    make(alert_waiting_seconds=0).judge()
    turn(make(alert_webhook=receiver.url))
    assert receiver.wait_for(2)[1]["message"] == "closed: nobody judges it any more, as the rule is off"


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


def test_a_receiver_that_fails_is_tried_again_and_then_given_up_and_alerts_say_so(
    engine: Engine, make: Make, receiver: Receiver, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "PAUSE_SECONDS", 0.0)
    receiver.status = 503
    with engine.begin() as conn:
        pending(conn)
    keeper = make(alert_waiting_seconds=0, alert_webhook=receiver.url)
    turn(keeper)
    turn(keeper)
    assert len(receiver.bodies) == receivers.ATTEMPTS
    told = cli("alerts").out.splitlines()[-1]
    assert told.startswith("not delivered, waiting of ")
    assert told.endswith(": HTTP Error 503: Service Unavailable (given up after 5 attempts)")


def test_a_receiver_that_hangs_holds_up_neither_the_rules_nor_the_other_receiver(
    engine: Engine, make: Make, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.hang = True
    with engine.begin() as conn:
        pending(conn)
    got = tmp_path / "got"
    command = f"sh -c 'cat >> {got}'"
    keeper = make(alert_waiting_seconds=0, alert_webhook=receiver.url, alert_command=command)
    keeper.judge()
    keeper.tell()
    wait_until(lambda: got.exists() and "waiting" in got.read_text(), 60, "the command")
    assert receiver.bodies == []
    with engine.begin() as conn:
        machine.end_unstarted(conn, [1], "cancel", ACTOR, None)
    keeper.judge()
    keeper.tell()
    wait_until(lambda: "cleared" in got.read_text(), 60, "the recovery")
    assert open_rules(engine) == []
    assert not keeper.idle
    keeper.stop()


def test_what_a_full_receiver_does_not_take_comes_later(
    engine: Engine, make: Make, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "QUEUE_LENGTH", 1)
    with engine.begin() as conn:
        for rule in ("a", "b", "c", "d"):
            conn.execute(
                text("INSERT INTO alerts (rule, subject, message, value, threshold) VALUES (:rule, '', 'm', 1, 0)"),
                {"rule": rule},
            )
    keeper = make(alert_webhook=receiver.url)
    wait_until(lambda: told_all(keeper), 60, "all of them")
    assert [body["rule"] for body in receiver.bodies] == ["a", "b", "c", "d"]


def test_who_leads_no_more_leaves_the_rest_to_its_successor(engine: Engine, make: Make, receiver: Receiver) -> None:
    with engine.begin() as conn:
        pending(conn)
    turn(make(leads=False, alert_webhook=receiver.url))
    keeper = make(alert_waiting_seconds=0, alert_webhook=receiver.url)
    keeper.judge()
    keeper._leads = keeper._outbox._receivers["alert_webhook"]._wanted = lambda: False
    keeper.tell()
    assert receiver.bodies == []
    turn(make(alert_waiting_seconds=0, alert_webhook=receiver.url))
    assert [body["status"] for body in receiver.bodies] == ["raised"]
    keeper.tell()
    assert keeper.idle


def test_two_leaders_at_once_raise_one_alert(engine: Engine, make: Make) -> None:
    with engine.begin() as conn:
        pending(conn)
    make(alert_waiting_seconds=0).judge()
    make(alert_waiting_seconds=0).judge()
    assert len(events(engine)) == 1

"""Receivers: what they get, and that one that fails or hangs is only a line in the log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.alerts.couriers import DeliveryError, deliver, post, run_command
from backend.alerts.records import Notice
from backend.errors import InputError
from backend.settings import Settings, load_settings
from tests.alerts.conftest import Receiver

NOTICE = Notice("raised", "orphans", "", "12 anomalies", 12, 10, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def script(folder: Path, text: str) -> str:
    path = folder / "receiver.sh"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o700)
    return str(path)


def test_a_webhook_gets_json(receiver: Receiver, settings: Settings) -> None:
    assert deliver(NOTICE, settings.model_copy(update={"alert_webhook": receiver.url})) == []
    [body] = receiver.bodies
    assert (body["status"], body["rule"], body["value"], body["threshold"]) == ("raised", "orphans", 12, 10)
    assert (body["raised_at"], body["cleared_at"]) == ("2026-01-02T03:04:05+00:00", None)


def test_a_command_gets_json_and_its_environment(tmp_path: Path) -> None:
    target = tmp_path / "got file"
    command = script(tmp_path, 'cat > "$1"; echo "$ALERT_STATUS $ALERT_RULE: $ALERT_MESSAGE" >> "$1"')
    run_command(f"{command} '{target}'", NOTICE, json.dumps(NOTICE.body()).encode())
    body, environment = target.read_text().rsplit("raised", 1)
    assert json.loads(body)["message"] == "12 anomalies"
    assert environment == " orphans: 12 anomalies\n"


def test_an_error_of_the_webhook_is_told(receiver: Receiver) -> None:
    receiver.status = 500
    with pytest.raises(DeliveryError, match="500"):
        post(receiver.url, NOTICE, b"{}")


def test_a_webhook_that_hangs_is_given_up(receiver: Receiver) -> None:
    receiver.hang = True
    with pytest.raises(DeliveryError, match="timed out"):
        post(receiver.url, NOTICE, b"{}", seconds=0.2)


def test_nobody_at_the_webhook() -> None:
    with pytest.raises(DeliveryError, match="Connection refused"):
        post("http://127.0.0.1:9/", NOTICE, b"{}")


@pytest.mark.parametrize(
    ("text", "why"),
    [("exit 3", "ended with status 3"), ("kill -TERM $$", "ended with status -15"), ("exec sleep 600", "did not end")],
)
def test_a_command_that_fails_or_stays_is_told(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(DeliveryError, match=why):
        run_command(script(tmp_path, text), NOTICE, b"{}", seconds=5 if "sleep" not in text else 0.3)


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(DeliveryError, match="No such file"):
        run_command("/nowhere/receiver", NOTICE, b"{}")


def test_one_failing_receiver_does_not_keep_the_other_from_being_told(receiver: Receiver, settings: Settings) -> None:
    problems = deliver(
        NOTICE, settings.model_copy(update={"alert_webhook": receiver.url, "alert_command": "/nowhere/receiver"})
    )
    assert len(problems) == 1
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALERT_WEBHOOK", "ftp://x/"),
        ("ALERT_COMMAND", "'unbalanced"),
        ("ALERT_COMMAND", " "),
        ("ALERT_ORPHANS", "many"),
        ("ALERT_ORPHANS", "-1"),
        ("ALERT_DISK_PERCENT", "101"),
        ("ALERT_ORPHAN", "3"),
    ],
)
def test_wrong_settings_are_bad_input(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=name):
        load_settings({"JOBWARDEN_HOME": str(tmp_path), f"JOBWARDEN_{name}": value})


def test_a_rule_is_switched_off(tmp_path: Path) -> None:
    settings = load_settings({"JOBWARDEN_HOME": str(tmp_path), "JOBWARDEN_ALERT_ORPHANS": "off"})
    assert settings.alert_orphans is None

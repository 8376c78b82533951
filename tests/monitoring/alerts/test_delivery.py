"""Receivers: what they get, and that one that fails or hangs is only a line in the log."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings, load_settings
from jobwarden.backend.errors import InputError
from jobwarden.backend.monitoring.alerts.command import run_command
from jobwarden.backend.monitoring.alerts.delivery import deliver
from jobwarden.backend.monitoring.alerts.records import DeliveryError, Notice
from jobwarden.backend.monitoring.alerts.webhook import post
from jobwarden.backend.process.procfs import command_line, scan
from tests.monitoring.alerts.conftest import Receiver

NOTICE = Notice("raised", "orphans", "", "12 anomalies", 12, 10, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def script(folder: Path, text: str) -> str:
    path = folder / "receiver.sh"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o700)
    return str(path)


def test_a_webhook_gets_json(receiver: Receiver, settings: Settings) -> None:
    assert deliver(NOTICE, settings.but(alert_webhook=receiver.url)) == []
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
    with pytest.raises(DeliveryError, match=r"no answer within 0\.2 s"):
        post(receiver.url, NOTICE, b"{}", seconds=0.2)


def test_a_webhook_that_drips_bytes_is_given_up_and_cut_off(receiver: Receiver) -> None:
    """Each byte begins the time-out of a socket anew; the delivery has one of its own."""
    receiver.drip = True
    with pytest.raises(DeliveryError, match=r"no answer within 0\.3 s"):
        post(receiver.url, NOTICE, b"{}", seconds=0.3)
    assert receiver.left.wait(60)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/login", "http://other.example/T0KEN?x=T0KEN", "file:///etc/passwd", "::"])
def test_a_redirect_is_a_failure_that_says_where_to(receiver: Receiver, status: int, location: str) -> None:
    receiver.status, receiver.location = status, location
    with pytest.raises(DeliveryError) as caught:
        post(receiver.url, NOTICE, b"{}", seconds=20)
    line = str(caught.value)
    assert f"answers {status} and points to " in line
    assert line.endswith(": set the final address")
    assert "T0KEN" not in line
    assert location.startswith("http") is ("http://other.example/***" in line)
    assert receiver.gets == []


@pytest.mark.parametrize("status", [300, 302, 304, 305, 401, 404, 410, 500])
def test_what_is_no_success_is_not_delivered(receiver: Receiver, status: int) -> None:
    """A redirect without a target among them."""
    receiver.status = status
    with pytest.raises(DeliveryError, match=str(status)):
        post(receiver.url, NOTICE, b"{}", seconds=20)


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


HIDING = """
setsid sleep 600 &
(sleep 600 &)
(setsid sh -c 'trap "" TERM; sleep 600; sleep 600' &)
trap '' TERM
sleep 600
"""


def test_a_command_that_stays_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    """Also what went into a session of its own, or was left by its parent."""
    name = f"600.{os.getpid()}"
    text = HIDING.replace("600", name)
    with pytest.raises(DeliveryError, match="was killed with all that it had started"):
        run_command(script(tmp_path, text), NOTICE, b"{}", seconds=1)
    assert [pid for pid in scan().processes if name in command_line(pid)] == []


def test_the_home_directory_is_meant_by_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    script(tmp_path, 'echo "$1" > "$1"')
    run_command("~/receiver.sh ~/got", NOTICE, b"{}")
    assert (tmp_path / "got").read_text() == f"{tmp_path}/got\n"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.write_text("echo"), "Permission denied"),
        (lambda path: path.mkdir(), "Permission denied"),
        (lambda path: path.write_bytes(b"\x7fELFnonsense"), "Permission denied"),
        (lambda path: (path.write_bytes(b"\x7fELFnonsense"), path.chmod(0o700)), "Exec format error"),
        (lambda path: (path.write_text("#!/nowhere/sh\n"), path.chmod(0o700)), "No such file"),
        (lambda path: path.symlink_to(path), "Too many levels"),
    ],
)
def test_a_command_that_cannot_be_run_is_one_line(tmp_path: Path, make: Callable[[Path], object], why: str) -> None:
    make(tmp_path / "receiver")
    with pytest.raises(DeliveryError, match=why) as caught:
        run_command(str(tmp_path / "receiver"), NOTICE, b"{}")
    assert "\n" not in str(caught.value)


def test_a_message_that_is_no_environment_is_one_line() -> None:
    with pytest.raises(DeliveryError, match="cannot be run: "):
        run_command("true", replace(NOTICE, message="a\0b"), b"{}")
    with pytest.raises(DeliveryError, match="too long"):
        run_command("true", replace(NOTICE, message="x" * (1 << 20)), b"{}")


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(DeliveryError, match="No such file"):
        run_command("/nowhere/receiver", NOTICE, b"{}")


def test_one_failing_receiver_does_not_keep_the_other_from_being_told(receiver: Receiver, settings: Settings) -> None:
    problems = deliver(NOTICE, settings.but(alert_webhook=receiver.url, alert_command="/nowhere/receiver"))
    assert len(problems) == 1
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALERT_WEBHOOK", "ftp://x/"),
        ("ALERT_COMMAND", "'unbalanced"),
        ("ALERT_COMMAND", " "),
        ("ALERT_COMMAND", '""'),
        ("ALERT_COMMAND", "' ' x"),
        ("ALERT_REMINDER_SECONDS", "1"),
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

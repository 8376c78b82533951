"""No password or token is shown: not by settings, health, errors, logs, ``repr`` or the arguments of a program."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobwarden.backend.cli.commands.db import split_secrets
from jobwarden.backend.config.settings import load_settings
from jobwarden.backend.harmless import hide_beyond_host, hide_password
from jobwarden.backend.log_format import TextLines
from jobwarden.backend.monitoring.alerts.records import DeliveryError, Notice
from jobwarden.backend.monitoring.alerts.webhook import post
from jobwarden.backend.monitoring.health.records import degraded
from tests.support.cli import Cli

SECRET = "s3cr3t"
NOTICE = Notice("raised", "orphans", "", "m", 1, 0, datetime(2026, 1, 2, tzinfo=UTC))
URLS = (
    f"postgresql://u:{SECRET}@h/db", f"postgresql://u:x@{SECRET}@h/db", f"postgresql://u:a/{SECRET}@h/db",
    f"postgresql://u@h/db?password={SECRET}", f"postgresql://u@h/db?sslmode=require&sslpassword={SECRET}",
    f"redis://:{SECRET}@h:6379/0", f"rediss://h/0?password={SECRET}", f"unix://:{SECRET}@/run/s?db=1",
    f"host=h password='a \\' {SECRET}' dbname=d", f"amqp://u:{SECRET}@h", f"https://h/x?access_token={SECRET}&y=1",
    f"Authorization: Bearer {SECRET}", f"api_key={SECRET}", f"connection to redis://:{SECRET}@h:1/0 failed",
)  # fmt: skip


@pytest.mark.attempt("config shows sslpassword and webhook tokens", fault=0)
@pytest.mark.parametrize("text", URLS)
def test_a_password_is_in_a_url(text: str) -> None:
    """Any of the places in which a URL, a connection string or a header carries one."""
    assert SECRET not in hide_password(text)
    assert SECRET not in degraded("redis", text, "").summary
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%s", (text,), None)
    assert SECRET not in TextLines("%(message)s").format(record)


@pytest.mark.parametrize("text", ["postgresql://u@h:5432/db?application_name=a@b", "https://h:8/a?b=c", "a=b c", ""])
def test_what_is_no_password_stays(text: str) -> None:
    """Stars over everything would help nobody."""
    assert hide_password(text) == text


@pytest.mark.attempt("config shows sslpassword and webhook tokens", fault=0)
def test_settings_are_printed(cli: Cli) -> None:
    """Somebody looks over the shoulder of who types ``jobwarden config``, or gets it in a ticket."""
    said = cli(
        "config",
        DATABASE_URL=f"postgresql://u:{SECRET}@h/db?sslpassword={SECRET}",
        REDIS_URL=f"redis://h/0?password={SECRET}",
        JOBWARDEN_ALERT_WEBHOOK=f"https://hooks.example/services/{SECRET}?t={SECRET}",
        JOBWARDEN_ALERT_COMMAND=f"curl -H 'Authorization: Bearer {SECRET}' https://h.example/{SECRET}",
    )
    assert said.code == 0, said.err
    assert SECRET not in said.out + said.err
    assert "https://hooks.example/***" in said.out


@pytest.mark.attempt('webhook `http://[::1` and command `""` raise')
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("alert_webhook", f"{start}{SECRET}") for start in ("http://[::1/", "http:///", "http://h:x/", "ftp://h/",
          "http://h:99999/", "http://h/ü", "http://h/a b", "http://u:p@h/", "http:h/", "https://?", "http://h:0/")),
        ("alert_command", '""'), ("alert_command", "'' x"), ("alert_command", "'"), ("alert_command", "   "),
    ],
)  # fmt: skip
def test_a_receiver_cannot_be_reached_by_anybody(name: str, value: str, cli: Cli) -> None:
    """A receiver that can never work is refused when it is set, not when the first alert is lost."""
    said = cli.with_env({f"JOBWARDEN_{name.upper()}": value})("config")
    assert said.code == 2
    assert said.err.count("\n") == 1 and f"JOBWARDEN_{name.upper()}" in said.err
    assert SECRET not in said.err


def test_a_settings_object_is_printed() -> None:
    """A log line or a traceback with ``repr`` of the settings."""
    settings = load_settings({
        "JOBWARDEN_ALERT_WEBHOOK": f"https://h/{SECRET}", "REDIS_URL": f"redis://:{SECRET}@h", "HOME": "/nowhere",
        "DATABASE_URL": f"postgresql://u:{SECRET}@h/d", "JOBWARDEN_ALERT_COMMAND": f"x {SECRET}",
    })  # fmt: skip
    assert SECRET not in repr(settings) + str(settings)


def test_a_webhook_that_fails_is_reported() -> None:
    """The worker's log says that a receiver failed, and its URL is a password."""
    with pytest.raises(DeliveryError) as caught:
        post(f"http://127.0.0.1:1/{SECRET}", NOTICE, b"{}", seconds=1)
    assert SECRET not in str(caught.value)
    assert hide_beyond_host(f"sent to https://h.example:8443/a/{SECRET}") == "sent to https://h.example:8443/***"


@pytest.mark.attempt("db url example puts the password into argv", fault=0)
def test_the_arguments_of_psql_are_read_by_everybody(cli: Cli, tmp_path: Path) -> None:
    """``ps`` of another user while the shell of the database is open."""
    fake = tmp_path / "bin" / "psql"
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\ntr "\\0" " " < /proc/$$/cmdline\necho\necho "password $PGPASSWORD"\n'
        '[ -n "$PGSERVICEFILE" ] && cat "$PGSERVICEFILE"\n'
    )
    fake.chmod(0o755)
    url = f"{cli.env['DATABASE_URL']}&password={SECRET}&sslpassword={SECRET}"
    said = cli("db", "shell", PATH=f"{fake.parent}:{cli.env['PATH']}", DATABASE_URL=url)
    argv, password, *service = said.out.splitlines()
    assert SECRET not in argv and "postgresql://" in argv
    assert password == f"password {SECRET}" and service == ["[jobwarden]", f"sslpassword={SECRET}"]
    assert "psql" not in cli("db", "url", "--help").out.partition("Example:")[2]


def test_the_url_keeps_what_is_no_secret() -> None:
    """The rest of a URL is what psql needs."""
    url, secrets = split_secrets("postgresql+psycopg2://u:p@h:5/d?sslmode=require&sslpassword=q")
    assert url == "postgresql://u@h:5/d?sslmode=require"
    assert secrets == {"password": "p", "sslpassword": "q"}

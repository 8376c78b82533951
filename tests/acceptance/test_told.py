"""An alert fires and recovers at a receiver on this host, set up as the guide says."""

from __future__ import annotations

import json

import pytest

from jobwarden.backend.config.settings import Settings
from tests.acceptance.page import block, section
from tests.acceptance.site import PATIENCE, Site, Terminal
from tests.monitoring.alerts.conftest import Receiver, receiver
from tests.support.processes import wait_until

__all__ = ["receiver"]

AT_ONCE = "alert_waiting_seconds = 1\nalert_for_seconds = 0\nalert_poll_seconds = 0.2\n"
"""The rule that is easiest to break, without the patience that an installation has."""


@pytest.fixture
def settings(settings: Settings, worker_login: str) -> Settings:
    """Of a worker that logs in with no more rights than it needs."""
    return settings.but(database_url=worker_login)


def test_an_alert_fires_and_recovers(site: Site, terminal: Terminal, receiver: Receiver) -> None:
    pager, paged = site.home / "pager.sh", site.home / "paged"
    pager.write_text(f'#!/bin/sh\ncat >> "{paged}"; echo >> "{paged}"\n')
    pager.chmod(0o700)
    [table] = section("Be told", "toml")
    assert "alert_orphans = 10" in table
    table = table.replace("https://hooks.example/jobwarden", receiver.url)
    table = table.replace("/usr/local/bin/page-the-operator", str(pager))
    site.configure(table, AT_ONCE)

    test, look = block("Be told", of="alerts").splitlines()
    assert terminal.type(test).code == 0
    assert receiver.wait_for(1)[0]["status"] == "test"

    assert terminal.type(block("Install a worker", of="keep-worker.sh")).code == 0
    submitted = site.cli("submit", "--cpus", 65, "-", input="#!/bin/sh\nexit 0\n")
    assert submitted.code == 0, submitted
    job_id = int(submitted.out)
    raised = receiver.wait_for(2)[1]
    assert (raised["status"], raised["rule"], raised["threshold"]) == ("raised", "waiting", 1)
    assert f"job {job_id} has waited" in raised["message"]
    assert "waiting" in terminal.type(look).out

    assert site.cli("cancel", job_id).code == 0
    cleared = receiver.wait_for(3)[2]
    assert (cleared["status"], cleared["rule"]) == ("cleared", "waiting")
    wait_until(lambda: "no open alerts" in terminal.type(look).out, PATIENCE, "the list to be empty")
    wait_until(lambda: paged.read_text().count("\n") == 3, PATIENCE, "the command to be told as well")
    statuses = [json.loads(line)["status"] for line in paged.read_text().splitlines()]
    assert statuses == ["test", "raised", "cleared"]

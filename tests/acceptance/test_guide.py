"""The guide is followed to the letter; what no test can run is named here, with the reason."""

from __future__ import annotations

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.roles import ROLES
from tests.acceptance.page import block, blocks
from tests.acceptance.site import Site, Terminal

RUN = {
    ("Install a worker", "jobwarden db upgrade"),
    ("Install a worker", "keep-worker.sh"),
    ("Try it before you rely on it", ""),
    ("Stop, drain, replace", ""),
    ("Be told", ""),
    ("Measure", ""),
}
"""Headings and words of the blocks that the tests of this package run."""
NOT_RUN = {
    ("Install a worker", "useradd"): "changes the machine",
    ("Install a worker", "systemctl"): "changes the machine; its ExecStart is what keep-worker.sh runs",
    ("Install a worker", "export JOBWARDEN_HOME"): "what the environment of the tests has",
    ("Whom jobs run as", "users map"): "needs accounts; tests/security/test_submitters.py does it with its own",
    ("Whom jobs run as", "--shared"): "needs a directory that everybody can pass; as above",
    ("Every night, every five minutes", "crontab deploy/crontab"): "changes the machine; its lines are run",
}


def test_every_command_of_the_guide_is_run_or_excused() -> None:
    commands = [one for one in blocks() if one.language == "sh"]
    known = [*RUN, *NOT_RUN]
    assert [one.text for one in commands if not any(one.heading == head and of in one.text for head, of in known)] == []
    assert [
        (head, of) for head, of in known if not any(one.heading == head and of in one.text for one in commands)
    ] == []


@pytest.fixture
def settings(settings: Settings, empty_database_url: str) -> Settings:
    """Of a database that nobody has ever used."""
    return settings.but(database_url=empty_database_url)


def test_an_empty_database_is_made_ready(site: Site, terminal: Terminal) -> None:
    assert site.cli("jobs").code != 0
    done = terminal.type(block("Install a worker", of="db upgrade"))
    assert done.code == 0, done.out
    assert all(role in done.out for role in ROLES)
    assert site.cli("jobs").code == 0
    again = terminal.type(block("Install a worker", of="db upgrade"))
    assert (again.code, "nothing to do" in again.out) == (0, True)

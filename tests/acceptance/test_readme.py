"""The first five minutes of the README, in a home with servers of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.page import ROOT, section
from tests.acceptance.site import Site, Terminal
from tests.support.cli import COMMAND
from tests.worker.installation import Installation, brought_up

EPOCHS = 6
"""Of the training: long enough for a worker to be killed and replaced meanwhile."""


@pytest.fixture
def installation(home: Path, tmp_path: Path, mark: str) -> Iterator[Installation]:
    """Brought up, without the demonstration and its dashboard."""
    path = f"{COMMAND.parent}:{os.environ['PATH']}"
    with brought_up(home, tmp_path, mark, JOBWARDEN_NODE_NAME=socket.gethostname(), PATH=path) as made:
        yield made


def test_the_first_five_minutes(installation: Installation) -> None:
    install, look, own, kill, down = section("The first five minutes", page=ROOT / "README.md")
    assert "jobwarden up --demo" in install
    assert "/tmp" not in install + look + own + kill + down, "there somebody else may have been first"
    with closing(Terminal(Site(installation.settings, dict(installation.cli.env)))) as terminal:
        assert terminal.type(look).code == 0

        said = terminal.type(own).out
        assert "exit code 3\n" in said
        assert "hello.sh" in said.partition("exit code 3\n")[2]

        assert "training.sh 20)" in kill
        said = terminal.type(kill.replace("training.sh 20)", f"training.sh {EPOCHS})")).out
        job_id = int(terminal.type('echo "$id"').out)
        whole = [f"epoch {n} of {EPOCHS}: loss 0.{9000 // (n + 9)}" for n in range(1, EPOCHS + 1)]
        assert [line for line in said.splitlines() if line.startswith("epoch ")] == whole
        job = installation.ended(job_id)
        assert (job.state, job.exit_code, len(job.allocations)) == ("COMPLETED", 0, 1)
        first, second = installation.cli("workers", "--json").json
        assert {first["state"], second["state"]} == {"ONLINE", "DEAD"}

        assert terminal.type(down).code == 0
        assert installation.pid("PostgreSQL") is None

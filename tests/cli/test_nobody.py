"""A user that passwd does not know, without HOME: as in a container that runs under any number."""

import os
import shutil
from pathlib import Path

import pytest

from tests.support.cli import COMMAND, Cli
from tests.support.processes import MARK

NUMBER = 54321
CAPABILITY = "-all,+dac_read_search"
"""Only so that this user can read the Python of whoever runs the tests."""


@pytest.fixture
def nobody(home: Path, tmp_path: Path, mark: str) -> Cli:
    """The command under that number, with an empty environment but for a home of its own."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    os.chown(home, NUMBER, NUMBER)
    command = tmp_path / "jobwarden"
    command.write_text(
        f"#!/bin/sh\nexec setpriv --reuid {NUMBER} --regid {NUMBER} --clear-groups --inh-caps={CAPABILITY}"
        f' --ambient-caps={CAPABILITY} --bounding-set={CAPABILITY} {COMMAND} "$@"\n'
    )
    command.chmod(0o755)
    return Cli({"PATH": "/usr/bin:/bin", "JOBWARDEN_HOME": str(home / "h"), MARK: mark}, Path("/"), command)


def test_every_verb_the_worker_and_jobs_work(nobody: Cli) -> None:
    try:
        up = nobody("up", "--no-tui")
        assert up.code == 0, up.err
        script = '#!/bin/sh\nset -u; echo "$HOME $USER $LOGNAME $SHELL"; id -u; exec jobwarden submit --hold -- "$0"\n'
        done = nobody("submit", "--wait", "-", input=script)
        assert (done.code, done.err) == (0, "")
        assert nobody("logs", 1).out == f"/ {NUMBER} {NUMBER} /bin/sh\n{NUMBER}\n2\n"
        looks = ("config", "jobs", "show 1", "events", "workers", "orphans", "alerts", "health", "users", "metrics")
        for words in (*looks, "cancel 2", "cleanup --yes"):
            done = nobody(*words.split())
            assert (done.code, done.err) == (0, ""), words
    finally:
        assert nobody("down").code == 0


@pytest.mark.parametrize("words", ["config", "jobs", "up --no-tui", "worker", "tui", "submit -", "cleanup", "health"])
def test_without_any_directory_one_line_says_which_variable_to_set(nobody: Cli, words: str) -> None:
    done = nobody(*words.split(), input="true\n", JOBWARDEN_HOME="")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.endswith("(no HOME, no entry in passwd): set JOBWARDEN_HOME\n")

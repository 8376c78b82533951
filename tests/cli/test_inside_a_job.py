"""What a job knows of its submission and its installation, and what it can do with it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.installation import Installation, brought_up

AGAIN = """#!/bin/sh
. "$(dirname "$JOBWARDEN_SCRIPT")/lib.sh"
said_by_lib "$JOBWARDEN_SUBMIT_DIR" "$JOBWARDEN_HOME" "$JOBWARDEN_SCRIPT"
[ -n "$AGAIN" ] || jobwarden submit --env AGAIN=1 "$0" "$@"
"""


ODD = {"PATH": "/usr/bin:/bin", "LANG": "", "USER": "nonsense", "FOO": "bar"}


@pytest.fixture
def installation(home: Path, tmp_path: Path, mark: str) -> Iterator[Installation]:
    """One that was brought up from a bare environment, as cron does, with a PATH that does not find us."""
    with brought_up(home, tmp_path, mark, variables=ODD) as made:
        yield made


def test_a_job_submits_itself_again_to_its_own_installation(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/again.sh").write_text(AGAIN)
    (tmp_path / "sub/lib.sh").write_text("said_by_lib() { printf '%s\\n' \"$@\"; }\n")
    first = int(installation.cli("submit", "sub/again.sh", "x").out)
    said = f"{tmp_path}\n{installation.home}\n{tmp_path}/sub/again.sh\n"
    assert installation.until(first, "COMPLETED", "FAILED")["exit_code"] == 0
    printed = installation.cli("logs", first).out
    assert printed.startswith(said)
    second = int(printed.removeprefix(said))
    job = installation.until(second, "COMPLETED", "FAILED")
    assert (job["exit_code"], job["name"], job["arguments"]) == (0, "again.sh", ["x"])
    assert installation.cli("logs", second).out.splitlines()[2] == f"{tmp_path}/sub/again.sh"

    assert installation.cli("resubmit", first).code == 0
    third = installation.until(second + 1, "COMPLETED", "FAILED")
    assert (third["exit_code"], third["name"]) == (0, "again.sh"), "a resubmission keeps where it came from"


def test_a_script_from_standard_input_has_no_path(installation: Installation) -> None:
    job = installation.submit('set -u; echo "[$JOBWARDEN_SCRIPT]"; AGAIN= jobwarden submit --hold "$0"')
    assert installation.until(job, "COMPLETED", "FAILED")["exit_code"] == 0
    path, again = installation.cli("logs", job).out.splitlines()
    assert (path, installation.show(int(again))["name"]) == ("[]", "stdin")


def test_who_a_job_is_comes_from_the_passwd_entry(installation: Installation) -> None:
    job = installation.submit(
        'set -u; echo "$USER $LOGNAME $HOME $SHELL $LANG"; echo "${FOO-no foo}"; echo "${DATABASE_URL-no url}"'
    )
    assert installation.until(job, "COMPLETED", "FAILED")["exit_code"] == 0
    me = pwd.getpwuid(os.geteuid())
    assert installation.cli("logs", job).out.splitlines() == [
        f"{me.pw_name} {me.pw_name} {me.pw_dir} {me.pw_shell} C.UTF-8", "no foo", "no url",
    ]  # fmt: skip


def test_a_config_file_of_the_worker_leads_a_job_back_too(home: Path, tmp_path: Path, mark: str) -> None:
    config = tmp_path / "own.toml"
    config.write_text("default_memory_mb = 77\n")
    config.chmod(0o600)
    with brought_up(home, tmp_path, mark, variables={"JOBWARDEN_CONFIG": str(config)}) as made:
        job = made.submit("echo \"$JOBWARDEN_CONFIG\"; jobwarden submit --hold -- /bin/true 2>&1; echo 'true' |"
                          " jobwarden submit --hold -")  # fmt: skip
        assert made.until(job, "COMPLETED", "FAILED")["exit_code"] == 0
        shown = made.cli("logs", job).out.splitlines()
        assert shown[0] == str(config)
        assert made.show(int(shown[-1]))["memory_mb"] == 77


def test_a_jobs_own_variables_win(installation: Installation) -> None:
    job = installation.submit(
        'echo "$HOME $PATH $JOBWARDEN_HOME"',
        options=("--env", "HOME=/x", "--env", "PATH=/y", "--env", "JOBWARDEN_HOME=/z"),
    )
    installation.until(job, "COMPLETED")
    assert installation.cli("logs", job).out == "/x /y /z\n"

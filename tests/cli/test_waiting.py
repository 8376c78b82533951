"""``submit --wait``, ``logs -f`` and ``events -f``: through restarts of the database, and what they say meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobwarden.backend.cli.waiting import Patience, WaitReport
from jobwarden.backend.domain.pending_reason import NodeFacts, why_pending
from tests.support.cli import Cli
from tests.support.processes import MARK, wait_until
from tests.support.rows import request
from tests.worker.farm import PATIENCE, UNTIL_GO, go
from tests.worker.installation import Installation, brought_up


@pytest.fixture
def installation(home: Path, tmp_path: Path, mark: str) -> Iterator[Installation]:
    """A home of its own, brought up."""
    with brought_up(home, tmp_path, mark) as made:
        yield made


def waiting(cli: Cli, script: str, *arguments: str, options: tuple[str, ...] = ()) -> tuple[subprocess.Popen[str], int]:
    """A ``submit --wait`` in the background, and the id it printed."""
    file = cli.cwd / "job.sh"
    file.write_text(f"#!/bin/sh\n{script}\n")
    process = cli.start("submit", "--wait", "--env", MARK, *options, file, *arguments)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("external", [False, True], ids=["embedded", "external"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["fast restart", "kill -9"])
def test_who_waits_rides_out_a_restart_of_the_database(
    installation: Installation, tmp_path: Path, how: signal.Signals, external: bool
) -> None:
    urls = installation.urls
    named = {"DATABASE_URL": urls.database_url, "REDIS_URL": urls.redis_url} if external else {}
    cli = Cli({**installation.cli.env, **named}, tmp_path)
    file = tmp_path / "go"
    waiter, job = waiting(cli, f"echo begun\n{UNTIL_GO}echo ended; exit 7", str(file))
    installation.until(job, "RUNNING")
    follower, events = cli.start("logs", "-f", job), cli.start("events", "-f", "--json", "--job", job)
    assert follower.stdout is not None
    assert events.stdout is not None
    assert follower.stdout.readline() == "begun\n"
    assert json.loads(events.stdout.readline())["action"] == "submit"
    former = installation.pid("PostgreSQL")
    assert former is not None
    os.kill(former, how)
    for process in (waiter, follower, events):
        assert process.stderr is not None
        assert "the database does not answer: waiting up to 60 s" in process.stderr.readline()
    installation.recovered("PostgreSQL", former)
    go(file)
    assert (waiter.communicate(timeout=PATIENCE)[1].count("\n"), waiter.returncode) == (1, 7)
    out, err = follower.communicate(timeout=PATIENCE)
    assert (follower.returncode, out) == (0, "ended\n")
    assert err == f"jobwarden: job {job}: the database answers again\n"
    said = events.stdout
    assert said is not None
    wait_until(lambda: '"action": "finish"' in said.readline(), PATIENCE)
    events.terminate()
    events.communicate()


def test_patience_ends_with_a_code_that_is_not_the_jobs(installation: Installation, tmp_path: Path) -> None:
    impatient = Cli({**installation.cli.env, "JOBWARDEN_PATIENCE_SECONDS": "0.5"}, tmp_path)
    waiter, job = waiting(impatient, UNTIL_GO + "exit 1", str(tmp_path / "go"))
    installation.until(job, "RUNNING")
    assert installation.cli("down").code == 0
    err = waiter.communicate(timeout=PATIENCE)[1]
    assert waiter.returncode == 75
    last = err.splitlines()[-1]
    assert last.startswith(f"jobwarden: lost sight of job {job}: the database did not answer for 0.5 s (")
    assert last.endswith(f"the job keeps running, see `jobwarden show {job}`")
    assert "DATABASE_URL" not in err


def test_a_job_that_was_archived_between_two_looks(cli: Cli) -> None:
    waiter, job = waiting(cli, "true", options=("--hold",))
    waiter.send_signal(signal.SIGSTOP)
    assert cli("cancel", job).code == 0
    assert cli("cleanup", "--retention-days", "0", "--yes").code == 0
    assert cli("show", job).code == 2
    waiter.send_signal(signal.SIGCONT)
    err = waiter.communicate(timeout=PATIENCE)[1]
    assert (waiter.returncode, err.splitlines()[-1].partition(" to /")[0]) == (
        75, f"jobwarden: lost sight of job {job}: it was archived",
    )  # fmt: skip


def test_a_job_that_ends_without_a_code_says_so(cli: Cli) -> None:
    waiter, job = waiting(cli, "true", options=("--hold",))
    assert cli("cancel", job).code == 0
    err = waiter.communicate(timeout=PATIENCE)[1]
    assert (waiter.returncode, err.splitlines()[-1]) == (
        1, f"jobwarden: job {job}: CANCELLED without an exit code: see `jobwarden show {job}`",
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["submit --wait", "logs -f"])
def test_it_says_why_it_waits(cli: Cli, verb: str) -> None:
    process, job = waiting(cli, "true", options=("--hold",))
    if verb == "logs -f":
        process.kill()
        process.communicate()
        process = cli.start("logs", "-f", job)
    assert process.stderr is not None
    assert process.stderr.readline() == f"jobwarden: job {job}: held\n"
    assert cli("unhold", job).code == 0
    assert process.stderr.readline() == f"jobwarden: job {job}: waiting: no worker has joined yet\n"
    shown = cli("show", "--json", job).json["pending_reason"]
    assert shown == "waiting: no worker has joined yet"
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=PATIENCE)[1]
    goes_on = f"jobwarden: job {job}: goes on: `jobwarden show {job}` looks at it, `jobwarden cancel {job}` ends it\n"
    assert (process.returncode, err) == (130, goes_on if verb == "submit --wait" else "")


class Told(Patience):
    """Remembers what is said, and looks at nothing."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def say(self, words: str) -> None:
        self.told.append(words)


def test_a_number_that_alone_changes_is_not_told_each_time() -> None:
    """From one to a hundred thousand jobs ahead: the words are those of the queue itself."""
    patience = Told()
    one = WaitReport(patience)
    node = NodeFacts("n", ("main",), 4, 4096, 0, 0, 0, 0, drained=False, alive=True)
    for ahead in (100_000, 99_999, 2500, 999, 1):
        one._tell_why(why_pending(request(), [node], ahead))
    assert patience.told == ["waiting for its turn, 100,000 jobs ahead"]

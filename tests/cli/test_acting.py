"""Acting on many from the command line: filters, typed numbers, JSON, ctrl-C, and two operators at once."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import termios
from collections.abc import Iterator

import pytest

from jobwarden.backend.actions.results import LEFT_UNDONE
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.state import machine
from tests.support.cli import Cli
from tests.support.processes import wait_until
from tests.support.rows import request
from tests.support.scene import Scene, scene

STUBBORN = "trap '' TERM\necho ready\nwhile :; do sleep 1; done\n"


@pytest.fixture
def stage(engine: Engine, settings: Settings, mark: str) -> Iterator[Scene]:
    with scene(engine, settings, mark) as made:
        yield made


def submit(stage: Scene, *names: str) -> list[int]:
    with stage.engine.begin() as conn:
        return machine.submit(conn, [request(name=name) for name in names], "tester@here")


def states(stage: Scene) -> dict[str, str]:
    with stage.engine.connect() as conn:
        return {row.name: row.state for row in conn.execute(text("SELECT name, state FROM jobs"))}


def test_a_filter_instead_of_ids(cli: Cli, stage: Scene) -> None:
    first, second = submit(stage, "train-1", "other", "train-2")[::2]
    dry = cli("cancel", "state:pending", "name:train*", "--dry-run", "--json").json
    assert [(row["job_id"], row["would_change"]) for row in dry] == [(first, True), (second, True)]
    assert cli("cancel", "state:pending name:train*").code == 0
    assert states(stage) == {"train-1": "CANCELLED", "other": "PENDING", "train-2": "CANCELLED"}
    none = cli("cancel", "state:pending", "name:train*")
    assert (none.code, none.out) == (0, "no job matches: nothing to do\n")


def test_a_filter_narrows_ids(cli: Cli, stage: Scene) -> None:
    wanted, other = submit(stage, "a", "b")
    results = cli("hold", wanted, other, "--filter", "name:a", "--json").json
    assert [(row["job_id"], row["changed"]) for row in results] == [(wanted, True), (other, False)]
    assert results[0]["undo"] == {"action": "unhold", "value": None}


def test_a_word_is_searched_for_only_when_said_so(cli: Cli, stage: Scene) -> None:
    submit(stage, "train-1", "other")
    assert cli("cancel", "--filter", "train").code == 0
    assert states(stage) == {"train-1": "CANCELLED", "other": "PENDING"}


def test_what_takes_a_priority_back(cli: Cli, stage: Scene) -> None:
    [job_id] = submit(stage, "a")
    [result] = cli("priority", job_id, "--to", "7", "--json").json
    assert (result["message"], result["undo"]) == ("priority 0 > 7", {"action": "priority", "value": 0})


def test_many_by_filter_need_yes_without_a_terminal(cli: Cli, stage: Scene) -> None:
    submit(stage, *(f"train-{number}" for number in range(21)))
    refused = cli("hold", "name:train*")
    assert (refused.code, refused.out) == (2, "")
    assert "this would hold 21 jobs" in refused.err
    assert len(cli("hold", "name:train*", "--yes", "--json").json) == 21


@pytest.mark.parametrize(("typed", "code", "state"), [("20", 2, "PENDING"), ("21", 0, "CANCELLED")])
def test_on_a_terminal_the_number_is_typed(cli: Cli, stage: Scene, typed: str, code: int, state: str) -> None:
    submit(stage, *(f"train-{number}" for number in range(21)))
    with Terminal(cli, "cancel", "name:train*") as terminal:
        terminal.reads("Type 21 to confirm")
        assert set(states(stage).values()) == {"PENDING"}
        terminal.type(f"{typed}\n")
        assert terminal.ended() == code
    assert set(states(stage).values()) == {state}


def test_progress_is_shown_on_a_terminal(cli: Cli, stage: Scene) -> None:
    submit(stage, "train-1", "train-2")
    with Terminal(cli, "hold", "name:train*") as terminal:
        terminal.reads("1/2  job 1: held")
        terminal.reads("2/2  job 2: held")
        assert terminal.ended() == 0


def test_ctrl_c_stops_and_says_what_was_left(cli: Cli, stage: Scene) -> None:
    """While it waits for a worker that never answers."""
    job = stage.run(stage.worker(alive=True))
    with Terminal(cli, "cancel", job.id) as terminal:
        terminal.reads("waiting for 1 to end")
        terminal.type("\x03")
        terminal.reads("not waited for any longer")
        assert terminal.ended() == 130
    assert stage.state(job.id) == "RUNNING"


def test_two_operators_at_once_act_once(cli: Cli, stage: Scene) -> None:
    """Two processes; the jobs ignore TERM, so that the second one comes while the first is at it."""
    dead = stage.worker()
    jobs = [stage.run(dead, STUBBORN) for _ in range(6)]
    for job in jobs:
        job.said("ready")
    operators = [cli.start("clean", "--json", JOBWARDEN_KILL_GRACE_SECONDS="3") for _ in range(2)]
    answers = [json.loads(operator.communicate(timeout=120)[0]) for operator in operators]
    results = [row for answer in answers for row in answer]
    assert all(row["ok"] for row in results)
    for job in jobs:
        [changed] = [row["message"] for row in results if row["job_id"] == job.id and row["changed"]]
        assert changed == "FAILED (OPERATOR), released"
        unchanged = [row["message"] for row in results if row["job_id"] == job.id and not row["changed"]]
        assert set(unchanged) <= {
            "another clean-up is working on it right now",
            "is FAILED and in order: nothing to do",
        }
        assert stage.events(job.id).count("clean") == 1


def test_two_operators_cancel_the_same_waiting_jobs(cli: Cli, stage: Scene) -> None:
    ids = submit(stage, *(f"train-{number}" for number in range(15)))
    operators = [cli.start("cancel", "name:train*", "--json") for _ in range(2)]
    answers = [json.loads(operator.communicate(timeout=120)[0]) for operator in operators]
    assert sorted(row["job_id"] for answer in answers for row in answer if row["changed"]) == ids
    for job_id in ids:
        assert stage.events(job_id).count("cancel") == 1
    rest = {row["message"] for answer in answers for row in answer if not row["changed"]}
    assert LEFT_UNDONE not in rest
    for words in rest:
        assert "nothing to do" in words


class Terminal:
    """The command on a terminal of its own."""

    def __init__(self, cli: Cli, *args: str | int) -> None:
        self._own, theirs = pty.openpty()
        self._process = subprocess.Popen(
            cli.command(*args), stdin=theirs, stdout=theirs, stderr=theirs, cwd=cli.cwd, env=dict(cli.env),
            start_new_session=True, preexec_fn=_take_terminal,
        )  # fmt: skip
        os.close(theirs)
        os.set_blocking(self._own, False)
        self._read = b""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        os.close(self._own)

    def reads(self, words: str) -> None:
        """Wait until it has printed ``words``."""
        wait_until(lambda: words.encode() in self._all(), timeout=60, what=f"{words!r}, not {self._read!r}")

    def type(self, keys: str) -> None:
        """Type."""
        os.write(self._own, keys.encode())

    def ended(self) -> int:
        """Wait for the end; the exit code."""
        wait_until(lambda: [self._all(), self._process.poll() is not None][1], timeout=60, what="the end")
        return self._process.returncode

    def _all(self) -> bytes:
        try:
            while data := os.read(self._own, 1 << 16):
                self._read += data
        except OSError:
            pass  # nothing more for now, or for ever
        return self._read


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_held_job_is_a_pending_one(cli: Cli, stage: Scene) -> None:
    """One meaning of the word in the header, in JSON and in every filter: what is counted as pending is cancelled."""
    submit(stage, "a", "b")
    assert cli("hold", "name:b").code == 0
    listed = cli("jobs", "state:pending", "--json").json
    assert {(job["name"], job["state"], job["held"]) for job in listed} == {
        ("a", "PENDING", False),
        ("b", "PENDING", True),
    }
    assert cli("cancel", "state:pending").code == 0
    assert states(stage) == {"a": "CANCELLED", "b": "CANCELLED"}

"""From ``up`` to ``down`` in one shell, with a real worker."""

from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.processes import is_gone, wait_until

SCRIPTS = {"zero.sh": "exit 0", "three.sh": "exit 3", "signal.sh": "kill -11 $$", "long.sh": "echo up; sleep 600"}


@pytest.fixture
def shell(cli: Cli) -> Cli:
    """The command with scripts at hand."""
    for name, source in SCRIPTS.items():
        (cli.cwd / name).write_text(source)
    return cli


def test_up_runs_jobs_and_down_leaves_them_running(shell: Cli) -> None:
    up = shell("up", "--no-tui")
    assert up.code == 0, up.err
    [worker] = shell("workers", "--json").json
    who, home = f"worker {worker['id']} ONLINE (pid {worker['pid']})", shell.env["JOBWARDEN_HOME"]
    assert up.out == f"node node1: {who}, home {home}\n"
    assert shell("up", "--no-tui").out == up.out, "a second one starts nothing"

    assert shell("submit", "--wait", "zero.sh").code == 0
    assert shell("submit", "--wait", "three.sh").code == 3
    assert shell("submit", "--wait", "signal.sh").code == 139
    assert shell("submit", "--wait", "--time", "1s", "long.sh").code == 128 + 15
    reasons = [job["failure_reason"] for job in shell("jobs", "--json").json]
    assert reasons == ["TIMEOUT", "SCRIPT_ERROR", "SCRIPT_ERROR", None]

    running = shell("submit", "long.sh").out.strip()
    follow = shell.start("logs", "-f", running)
    assert follow.stdout is not None
    assert follow.stdout.readline() == "up\n"
    down = shell("down")
    assert down.code == 0
    assert down.out.splitlines()[-1] == "1 job of node node1 keeps running: the next `jobwarden up` takes over"
    assert is_gone(worker["pid"])
    assert shell("down").out.startswith("nothing of this home was running\n")
    follow.kill()
    follow.wait()
    assert [row["state"] for row in shell("workers", "--json").json] == ["DEAD"]

    assert shell("up", "--no-tui").code == 0
    cancelled = shell("cancel", running)
    assert (cancelled.code, cancelled.out.startswith(f"job {running}: CANCELLED")) == (0, True)
    assert shell("down").code == 0


def test_up_and_down_tell_of_other_nodes_only_what_is_true(shell: Cli) -> None:
    """A second node of this home: its jobs are not lost while its worker lives, and `up` will not take them over."""
    other = shell.start("worker", "--node", "node2")
    wait_until(lambda: [row["state"] for row in shell("workers", "--json").json] == ["ONLINE"], timeout=60)
    job = shell("submit", "long.sh").out.strip()
    wait_until(lambda: shell("jobs", "state:running", "--json").json, timeout=60)
    assert shell("up", "--no-tui").out.count("\n") == 1
    left = "1 job of node node2 keeps running: `jobwarden worker --node node2` takes over"
    down = shell("down").out.splitlines()
    assert [line.rpartition(" (")[0] for line in down[:-1]] == [
        "stopped the worker of node node1", "stopped the worker of node node2",
    ]  # fmt: skip
    assert (down[-1], other.wait()) == (left, 0)
    assert shell("up", "--no-tui").out.splitlines()[1:] == [left]
    assert shell("down").out.splitlines()[-1] == left
    assert shell("cancel", job).code == 0


def test_a_worker_that_cannot_start_says_why(shell: Cli) -> None:
    Path(shell.env["JOBWARDEN_HOME"], "spool").write_text("in the way")
    done = shell("up", "--no-tui")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "worker.log" in done.err


def test_the_dashboard_needs_a_terminal(shell: Cli) -> None:
    done = shell("tui")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "terminal" in done.err

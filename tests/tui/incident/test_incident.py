"""A whole incident, typed at a terminal against real servers, a real worker that is killed, and real processes.

The operator is called because something is wrong; every step is what a person would press next, and what they would
look for on the screen before pressing on.
"""

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.processes import is_gone, kill_hard, wait_until
from tests.support.tmux import Tmux

JOB = """#!/bin/sh
echo "$1 begins"
sleep 987654 &
echo $$ $! >"$2"
n=0
while :; do n=$((n+1)); echo "$1 step $n"; sleep 0.2; done
"""
REASON = "worker was killed"
NAMES = ("render", "train")


@pytest.fixture
def terminal(cli: Cli) -> Iterator[Tmux]:
    made = Tmux({**cli.env, "PS1": "shell$ ", "TERM": "xterm-256color"}, columns=140, lines=44)
    yield made
    made.close()


@pytest.fixture
def jobs(cli: Cli, tmp_path: Path) -> Iterator[dict[str, int]]:
    """Two jobs that run, under the worker that is to be lost."""
    script = tmp_path / "work.sh"
    script.write_text(JOB)
    options = ("--memory", "32M")
    yield {name: int(cli("submit", "--name", name, *options, script, name, tmp_path / name).out) for name in NAMES}
    for pid in processes(tmp_path):
        if not is_gone(pid):
            kill_hard(pid)


def processes(folder: Path) -> list[int]:
    """The shell and the sleep of each job, which write their pids down when they run."""
    files = [folder / name for name in NAMES]
    return [int(pid) for file in files if file.exists() for pid in file.read_text().split()]


def test_an_incident_from_the_call_to_the_audit(cli: Cli, terminal: Tmux, jobs: dict[str, int], tmp_path: Path) -> None:
    worker = cli.start("worker")
    render, train = jobs["render"], jobs["train"]

    # All is well: the operator's dashboard has been open all day.
    terminal.press(f"{sys.executable} -m jobwarden tui", "Enter")
    terminal.until(lambda screen: "● 1 alive" in screen and screen.count("● RUNNING") == 2)
    wait_until(lambda: len(processes(tmp_path)) == 4, what="the processes of both jobs")
    pids = processes(tmp_path)

    # 03:00. The worker dies; its jobs go on and belong to nobody.
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    terminal.until(lambda screen: "✗ 1 dead" in screen and "⚠ 2 orphans" in screen)

    # Which jobs? The list is filtered to one of them.
    terminal.type("/name:render")
    terminal.press("Enter")
    terminal.until(lambda screen: "⚠ ORPHAN" in screen and "render" in screen and " train " not in screen)

    # Does it still do anything? Its log is under the list, and it grows.
    before = last_step(terminal.until(lambda screen: "render step" in screen))
    terminal.until(lambda screen: last_step(screen) > before)

    # What runs? The screen of the orphans shows the processes of the one under the cursor.
    terminal.press("2")
    terminal.until(lambda screen: "sleep 987654" in screen and "ORPHAN" in screen)
    terminal.until(lambda screen: any(str(pid) in screen for pid in pids))

    # Only those of the other job? The filter of this list says what is wrong, and is given up again.
    terminal.type("/kind:orphan name:train")
    terminal.press("Enter")
    terminal.until(lambda screen: "1 of 1" in screen and " train " in screen and " render " not in screen)
    terminal.press("Escape")
    terminal.until(lambda screen: "of 2" in screen and " render " in screen)

    # Clean up: the dialog names both victims, and what happens to them; the operator gives a reason.
    terminal.press("C")
    terminal.until(lambda screen: str(render) in screen and str(train) in screen and "⏎ clean up  " in screen)
    terminal.type(REASON)
    terminal.press("Enter")
    terminal.until(lambda screen: "2 done" in screen)
    terminal.press("Escape")
    terminal.until(lambda screen: "no anomalies" in screen and "2 done" not in screen)
    assert all(is_gone(pid) for pid in pids)

    # The audit says who did it and why.
    terminal.press("5")
    terminal.until(lambda screen: REASON in screen and "clean" in screen)
    terminal.press("q")
    terminal.until(lambda screen: "The screen is closed" in screen)
    for job in jobs.values():
        shown = cli("show", job, "--json").json
        row = shown[0] if isinstance(shown, list) else shown
        assert row["state"] == "FAILED"
        assert any(event["reason"] == REASON for event in row["events"])
        assert all(allocation["released"] for allocation in row["allocations"])


def last_step(screen: str) -> int:
    """The highest step that the log on the screen shows, 0 for none."""
    return max((int(number) for number in re.findall(r"step (\d+)", screen)), default=0)

"""The command of an alert never outlives its worker: not one that hangs, not what it has started, however that ends."""

from __future__ import annotations

import itertools
import os
import signal

import pytest

from jobwarden.backend.process.procfs import command_line, scan
from tests.support.processes import wait_until
from tests.worker.farm import PATIENCE, Farm, Worker

_NUMBERS = itertools.count(1)

HANGING = """#!/bin/sh
cat > /dev/null
setsid sleep {mark} &
(setsid sh -c 'trap "" TERM HUP; sleep {mark}; sleep {mark}' &)
echo $$ > {place}/hook
trap "echo TERM > {place}/asked; sleep {mark}" TERM
sleep {mark} & wait
sleep {mark}
"""


def hooked(farm: Farm) -> tuple[Worker, str]:
    """A worker whose alert_command hangs, and the mark of all that the command has started."""
    mark = f"600.{os.getpid()}{next(_NUMBERS)}"
    hook = farm.work / "hook.sh"
    hook.write_text(HANGING.format(mark=mark, place=farm.work))
    hook.chmod(0o700)
    worker = farm.worker(
        JOBWARDEN_ALERT_COMMAND=str(hook), JOBWARDEN_ALERT_WAITING_SECONDS="0", JOBWARDEN_ALERT_FOR_SECONDS="0",
        JOBWARDEN_ALERT_POLL_SECONDS="0.1",
    )  # fmt: skip
    farm.submit("exit 0", cpus=60_000)
    wait_until(lambda: (farm.work / "hook").exists() and len(left(mark)) >= 4, PATIENCE, "the hook")
    return worker, mark


def left(mark: str) -> list[int]:
    return [pid for pid in scan().processes if mark in command_line(pid)]


@pytest.mark.parametrize("times", [1, 2])
def test_a_hook_that_hangs_is_ended_before_its_worker_is_gone(farm: Farm, times: int) -> None:
    worker, mark = hooked(farm)
    for _ in range(times):
        worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert left(mark) == []
    assert (farm.work / "asked").read_text() == "TERM\n"


def test_a_hook_ends_by_itself_when_its_worker_was_killed(farm: Farm) -> None:
    worker, mark = hooked(farm)
    worker.kill()
    wait_until(lambda: left(mark) == [], PATIENCE, "the end of the hook")
    assert (farm.work / "asked").read_text() == "TERM\n"


def test_a_hook_whose_guard_is_killed_is_ended_by_the_worker(farm: Farm) -> None:
    worker, mark = hooked(farm)
    [guard] = [
        pid
        for pid in scan().processes
        if "jobwarden.backend.monitoring.alerts.guard" in command_line(pid) and str(farm.work) in command_line(pid)
    ]

    os.kill(guard, signal.SIGKILL)
    wait_until(lambda: "lost the process that watches it and was killed" in worker.said, PATIENCE, "the complaint")
    assert left(mark) == []

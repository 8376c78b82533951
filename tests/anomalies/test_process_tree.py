"""The process tree of a job, from real processes."""

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import pytest

from jobwarden.backend.anomalies.process_tree import ProcessReader, ProcessTree, in_order
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.process.identity import Stat, identify
from jobwarden.backend.process.members import Family, Target
from jobwarden.backend.process.procfs import scan
from tests.support.processes import wait_until
from tests.support.scene import Running, Scene, scene

BRANCHES = """
sh -c 'setsid sleep 601 & sleep 602; :' &
sh -c 'while :; do :; done' &
echo ready
exec sleep 603
"""


@pytest.fixture
def stage(engine: Engine, settings: Settings, mark: str) -> Iterator[Scene]:
    with scene(engine, settings, mark) as made:
        yield made


def read(stage: Scene, job_id: int, reader: ProcessReader | None = None) -> ProcessTree:
    with stage.engine.connect() as conn:
        return (reader or ProcessReader()).read(conn, job_id)


def commands(tree: ProcessTree) -> set[str]:
    return {row.cmdline for row in tree.rows}


def branched(stage: Scene) -> Running:
    job = stage.run(stage.worker(), BRANCHES)
    wanted = {"sleep 601", "sleep 602", "sleep 603", "sh -c while :; do :; done"}
    wait_until(lambda: wanted <= commands(read(stage, job.id)), what="the whole tree")
    return job


def test_tree_with_depths_below_the_supervisor(stage: Scene) -> None:
    job = branched(stage)
    tree = read(stage, job.id)
    by_command = {row.cmdline: row for row in tree.rows}
    assert (tree.rows[0].pid, tree.rows[0].depth, tree.rows[0].supervisor) == (job.pid, 0, True)
    script, branch = by_command["sleep 603"], by_command["sh -c setsid sleep 601 & sleep 602; :"]
    assert (script.ppid, script.depth) == (job.pid, 1)
    assert (branch.ppid, branch.depth) == (script.pid, 2)
    assert (by_command["sleep 602"].ppid, by_command["sleep 602"].depth) == (branch.pid, 3)
    for position, row in enumerate(tree.rows[1:], start=1):
        assert row.ppid in {earlier.pid for earlier in tree.rows[:position]}, "parents come first"
    assert {row.pid for row in tree.own} == {row.pid for row in tree.rows} - {job.pid}


def test_what_psutil_tells_of_each(stage: Scene) -> None:
    job = branched(stage)
    reader = ProcessReader()
    busy = "sh -c while :; do :; done"

    def percent(command: str) -> float:
        [row] = [row for row in read(stage, job.id, reader).rows if row.cmdline == command]
        assert row.cpu_percent is not None
        return row.cpu_percent

    wait_until(lambda: percent(busy) > 5, what="a busy process that shows")
    assert percent("sleep 603") < 1
    for row in read(stage, job.id, reader).rows:
        assert row.memory_mb is not None
        assert 0 < row.memory_mb < 100
        assert 0 <= row.age_seconds < 600
        assert row.user
        assert row.state in "RSDI"


def test_without_its_supervisor_the_rest_is_still_a_tree(stage: Scene) -> None:
    job = branched(stage)
    job.kill_supervisor()
    tree = read(stage, job.id)
    assert tree.rows == tree.own
    assert {"sleep 601", "sleep 602", "sleep 603"} <= commands(tree)
    assert tree.rows[0].depth == 0


@pytest.mark.parametrize(
    ("worker", "job", "why"),
    [
        ({"machine_id": "elsewhere", "boot_id": "another"}, {"boot_id": "another"}, "only be seen on host host"),
        ({}, {"pid_namespace": 1}, "another PID namespace"),
    ],
)
def test_processes_that_cannot_be_seen_are_not_taken_for_none(
    stage: Scene, worker: dict[str, Any], job: dict[str, Any], why: str
) -> None:
    tree = read(stage, stage.run(stage.worker(**worker), **job).id)
    assert tree.rows == ()
    assert why in tree.unseen


def test_a_job_that_has_none(stage: Scene) -> None:
    ended = stage.run(stage.worker(), "exit 0\n")
    ended.ended()
    wait_until(lambda: read(stage, ended.id) == ProcessTree())
    starting, _ = stage.allocate(stage.worker())
    assert read(stage, starting).unseen == "it has not started yet"
    assert read(stage, 999).unseen == "it was never started"


def test_a_stranger_with_the_pid_is_not_shown() -> None:
    me = identify(os.getpid())
    assert me is not None
    before = dataclasses.replace(me, start_ticks=me.start_ticks - 1)
    assert ProcessReader().of_target(Target(before, "a cookie of nobody", "/nowhere", None), scan()) == ProcessTree()


def test_order_of_a_family_with_a_gap() -> None:
    def process(pid: int, ppid: int) -> Stat:
        return Stat(pid, "S", ppid, pid, pid, 1, pid)

    found = Family(None, (process(9, 5), process(5, 2), process(7, 1), process(8, 2)))
    assert [(row.pid, depth) for row, depth in in_order(found)] == [(5, 0), (9, 1), (7, 0), (8, 0)]

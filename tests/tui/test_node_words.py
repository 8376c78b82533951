"""The node pane says the same words as the list of nodes and the shell."""

import io
from dataclasses import replace

from rich.console import Console

from jobwarden.backend.domain.states import OUTDATED, WorkerState
from jobwarden.backend.queries.models.jobs import WorkerRow
from jobwarden.tui.panels.node import node_pane
from tests.tui.fakes import NOW, worker


def said(row: WorkerRow) -> str:
    text = io.StringIO()
    Console(file=text, width=100).print(node_pane(row, NOW, {}))
    return text.getvalue()


def test_a_worker_of_other_code_than_is_installed_is_named() -> None:
    assert OUTDATED in said(replace(worker(), outdated=True))
    assert OUTDATED not in said(worker())
    assert OUTDATED not in said(replace(worker(state=WorkerState.DEAD), outdated=True))


def test_a_worker_that_was_stopped_did_not_die() -> None:
    stopped = replace(worker(state=WorkerState.DEAD), ended_at=NOW, end_reason="stopped by alice", running_jobs=0)
    assert "STOPPED" in said(stopped)
    assert not {"DEAD", "Died"} & set(said(stopped).split())


def test_one_of_a_kind_is_one() -> None:
    alone = replace(worker(), cpus=1, cpus_allocated=0, running_jobs=1, gpus=1)
    assert "0 of 1 CPU," in said(alone) and "to 1 job" in said(alone) and "1 CPU," in said(alone)
    assert "0 of 1 GPU " in said(alone)


def test_a_dead_worker_points_to_the_orphans_only_where_it_left_jobs() -> None:
    dead = worker(state=WorkerState.DEAD)
    assert "1 job left: see Orphans" in said(replace(dead, running_jobs=1))
    assert "no job of it is left" in said(replace(dead, running_jobs=0))

"""The node pane says the same words as the list of nodes and the shell."""

import io
from dataclasses import replace

from rich.console import Console

from backend.domain.drains import OUTDATED
from backend.domain.states import WorkerState
from backend.readmodel.records import WorkerRow
from tests.tui.fakes import NOW, worker
from tui.panes.node import node_pane


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


def test_a_dead_worker_points_to_the_orphans_only_where_it_left_jobs() -> None:
    dead = worker(state=WorkerState.DEAD)
    assert "1 job left: see Orphans" in said(replace(dead, running_jobs=1))
    assert "no job of it is left" in said(replace(dead, running_jobs=0))

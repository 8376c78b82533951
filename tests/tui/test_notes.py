"""What stands beside a state says what the state does not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from jobwarden.backend.domain.states import JobState, WorkerState
from jobwarden.backend.queries.models.jobs import EventRow, WorkerRow
from jobwarden.backend.queries.workers import NodeRow
from jobwarden.tui.columns.jobs import JOB_COLUMNS
from jobwarden.tui.columns.nodes import NODE_COLUMNS
from jobwarden.tui.panels.job import overview, when
from jobwarden.tui.widgets.table.columns import Moment
from tests.tui.fakes import NOW, detail, job, worker
from tests.tui.test_texts import told_by

JOB = {column.name: column for column in JOB_COLUMNS}
NODE = {column.name: column for column in NODE_COLUMNS}


def test_the_note_of_a_held_job_does_not_say_that_it_is_held() -> None:
    held = job(7, JobState.PENDING, held=True)
    moment = Moment(NOW, waiting={7: "held"})
    assert JOB["state"].cell(held, moment).text == "‖ HELD"
    assert JOB["note"].cell(held, moment).text == ""
    waits = job(7, JobState.PENDING)
    assert JOB["note"].cell(waits, Moment(NOW, waiting={7: "for resources"})).text == "for resources"


@pytest.mark.parametrize(
    ("changes", "state", "note"),
    [
        ({"ended_at": NOW, "end_reason": "stopped", "running_jobs": 0}, "○ STOPPED", ""),
        ({"ended_at": NOW, "end_reason": "stopped", "running_jobs": 2}, "✗ DEAD", "stopped"),
        ({"ended_at": NOW, "end_reason": "superseded", "running_jobs": 0}, "○ STOPPED", "superseded"),
    ],
)
def test_the_note_of_a_stopped_worker_does_not_say_that_it_stopped(
    changes: dict[str, Any], state: str, note: str
) -> None:
    dead: WorkerRow = replace(worker(2, "beta", WorkerState.DEAD), **changes)
    row, moment = NodeRow(dead, True), Moment(NOW)
    assert (NODE["state"].cell(row, moment).text, NODE["note"].cell(row, moment).text) == (state, note)


@pytest.mark.parametrize("reason", [None, "the disk is full"])
def test_the_page_of_a_held_job_says_who_holds_it_since_when_and_why(reason: str | None) -> None:
    told = replace(detail(job(7, JobState.PENDING, held=True)), pending_reason="held")
    at = NOW - timedelta(minutes=3)
    hold = EventRow(9, at, 7, "bob@build", "hold", JobState.PENDING, JobState.PENDING, reason)
    said = told_by(overview(replace(told, events=(*told.events, hold)), None, NOW, {}))
    assert f"held by bob@build since {when(at)}{f': {reason}' if reason else ''}" in said
    said = told_by(overview(told, None, NOW, {}))
    assert f"held by alice@build since {when(told.job.submit_time)}" in said

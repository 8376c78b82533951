"""What the screen says, as plain functions."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

from jobwarden.backend.actions.catalog import ACTIONS
from jobwarden.backend.domain.states import AnomalyKind, FailureReason, JobState, WorkerState
from jobwarden.backend.queries.models.snapshot import Health, Link
from jobwarden.tui.app.terminal import farewell
from jobwarden.tui.columns.jobs import JOB_COLUMNS
from jobwarden.tui.keys.bindings import ACT, APP, JOB, LIST, LOG, TABLE, UNDO
from jobwarden.tui.keys.model import KeyGroup, without_acts
from jobwarden.tui.panels.job import environment, history, job_title, overview, script
from jobwarden.tui.theme.states import STATE_LOOKS, job_look, outcome
from jobwarden.tui.widgets.header.render import Colours, banner, header_lines, is_stale
from jobwarden.tui.widgets.header.render import bar as gauge_bar
from jobwarden.tui.widgets.table.bar import bar
from jobwarden.tui.widgets.table.columns import GAP, Cell, Moment, fit, place
from jobwarden.tui.widgets.table.marks import BarStatus
from tests.tui.fakes import NOW, detail, incident, job, orphan, snapshot, worker

PLAIN = Colours({})


@given(st.text(), st.integers(1, 40), st.booleans())
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right=right)) == width


@given(st.integers(80, 400))
def test_the_columns_chosen_fit(width: int) -> None:
    placed = place(JOB_COLUMNS, width)
    assert sum(column.width + GAP for column in placed) + GAP <= width
    assert {"id", "state", "note", "name"} <= {column.column.name for column in placed}


OLD_NEWS = ("redis ok", "db ok", "scheduler ok", "no anomalies")


@pytest.mark.parametrize("width", [80, 120, 160])
def test_old_knowledge_is_not_told_as_of_now(width: int) -> None:
    """With the link lost and while the database hangs, each from when the line with the age is there."""
    gone = snapshot(link=Link.LOST, database=Health(False, message="gone"))
    assert is_stale(gone, 0.0) and is_stale(snapshot(), 4.0)
    for seen, words in ((gone, "db down"), (snapshot(), "db unknown")):
        said = "\n".join(line.plain for line in header_lines(seen, width, PLAIN, stale=True))
        assert not [claim for claim in OLD_NEWS if claim in said]
        for word in (words, "redis unknown", "anomalies unknown"):
            assert word in said
    fresh = "\n".join(line.plain for line in header_lines(snapshot(), 160, PLAIN))
    assert [claim for claim in OLD_NEWS if claim in fresh] == list(OLD_NEWS)


def test_old_counts_have_no_colour_of_health() -> None:
    colours = Colours({"good": "green", "running": "blue", "dim": "grey", "bad": "red"})
    lines = header_lines(snapshot(), 160, colours, stale=True)
    styles = {str(span.style) for line in lines for span in line.spans}
    assert not styles & {"green", "blue"}


def test_a_flagged_job_is_no_healthy_running_one() -> None:
    state = next(column for column in JOB_COLUMNS if column.name == "state")
    note = next(column for column in JOB_COLUMNS if column.name == "note")
    flagged = Moment(NOW, {4: AnomalyKind.LOST})
    assert state.cell(job(4), flagged) == Cell("⚠ RUNNING", "anomaly")
    assert note.cell(job(4), flagged) == Cell("⚠ LOST", "anomaly")
    assert state.cell(job(5), flagged) == Cell("● RUNNING", "running")
    counts = "\n".join(line.plain for line in header_lines(incident(1, 2), 160, PLAIN))
    assert "10 running (2 orphan)" in counts
    assert "10 running (2 ⚠)" in header_lines(incident(1, 2), 92, PLAIN)[1].plain
    assert "● 10 (2 ⚠)" in header_lines(incident(1, 2), 60, PLAIN)[1].plain


def test_a_full_bar_is_not_as_a_half_full_one() -> None:
    colours = Colours({"running": "green", "pending": "yellow"})
    full = snapshot(capacity=replace(snapshot().capacity, cpus_allocated=8))
    for seen, style in ((snapshot(), "green"), (full, "yellow")):
        [first, *_] = header_lines(seen, 160, colours)
        bar_at = first.plain.index("cpu") + 4
        assert [str(span.style) for span in first.spans if span.start == bar_at] == [style]


@pytest.mark.parametrize("width", [60, 100, 160])
def test_the_header_says_how_many_of_the_pending_jobs_are_held(width: int) -> None:
    some, none = snapshot(counts={JobState.PENDING: 12}, held=8), snapshot(counts={JobState.PENDING: 12})
    said = "○ 12 pending (8 held)" if width > 60 else "○ 12 (8 ‖)"
    assert said in "\n".join(line.plain for line in header_lines(some, width, PLAIN))
    assert "held" not in "\n".join(line.plain for line in header_lines(none, width, PLAIN))


def test_a_wide_screen_has_every_column() -> None:
    assert [placed.column for placed in place(JOB_COLUMNS, 200)] == list(JOB_COLUMNS)


def test_every_cell_of_every_kind_of_job_can_be_drawn() -> None:
    for state in JobState:
        row = job(5, state)
        assert all(column.cell(row, Moment(NOW, {5: "ORPHAN"})).text is not None for column in JOB_COLUMNS)


def test_states_are_told_apart_without_colour() -> None:
    looks = [*STATE_LOOKS.values(), job_look(job(1, start_time=None)), job_look(job(1, JobState.PENDING, held=True))]
    assert len({look.glyph for look in looks}) == len(looks)
    assert len({look.word for look in looks}) == len(looks)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exit_code": 3}, "exit 3"),
        ({"exit_code": None, "exit_signal": 11}, "SIGSEGV"),
        ({"exit_code": None, "exit_signal": 99}, "signal 99"),
        ({"failure_reason": FailureReason.TIMEOUT}, "timeout"),
        ({"failure_reason": FailureReason.OPERATOR, "exit_signal": 9}, "by operator"),
    ],
)
def test_how_a_job_ended(changes: dict[str, object], said: str) -> None:
    assert outcome(job(1, JobState.FAILED, **changes)) == said


@pytest.mark.parametrize(
    ("state", "changes", "said"),
    [
        (JobState.FAILED, {"error_msg": "exit code 3"}, "exit code 3"),
        (JobState.CANCELLED, {"exit_signal": 15, "error_msg": "cancelled: killed by SIGTERM"},
         "cancelled: killed by SIGTERM"),
        (JobState.FAILED, {"failure_reason": FailureReason.OUT_OF_MEMORY, "exit_signal": 9,
                           "error_msg": "out of memory: killed by SIGKILL"}, "out of memory: killed by SIGKILL"),
        (JobState.FAILED, {"failure_reason": FailureReason.TIMEOUT, "error_msg": "time limit reached"},
         "timeout: time limit reached"),
    ],
)  # fmt: skip
def test_the_outcome_says_nothing_twice(state: JobState, changes: dict[str, object], said: str) -> None:
    lines = told_by(overview(detail(job(1, state, **changes)), None, NOW, {})).splitlines()
    assert [line.split(maxsplit=1)[1].strip() for line in lines if line.split()[:1] == ["Outcome"]] == [said]


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 40))
def test_a_bar_is_full_only_when_all_is_used_and_empty_only_when_nothing_is(used: int, total: int, width: int) -> None:
    drawn = gauge_bar(min(used, total), total, width)
    assert cell_len(drawn) == width
    if total:
        assert (drawn == "█" * width) == (min(used, total) == total)
        assert (drawn == "·" * width) == (used == 0)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 300])
def test_every_line_of_the_header_is_as_wide_as_the_screen(width: int) -> None:
    lines = header_lines(incident(1, 2), width, PLAIN)
    assert [line.cell_len for line in lines] == [width] * len(lines)


@pytest.mark.parametrize("width", [80, 160])
def test_the_header_says_all(width: int) -> None:
    text = "\n".join(line.plain for line in header_lines(incident(1, 2), width, PLAIN))
    for words in ("1 alive", "1 dead", "5/8", "6G/16G", "10 running", "2 orphans", "db ok", "redis ok"):
        assert words in text


def test_several_kinds_of_anomaly_are_anomalies() -> None:
    mixed = replace(incident(1), anomalies=(orphan(1), replace(orphan(2), kind=AnomalyKind.LEAKED)))
    assert "2 anomalies" in header_lines(mixed, 160, PLAIN)[1].plain


def test_a_system_without_scheduler_says_so() -> None:
    idle = snapshot(capacity=replace(snapshot().capacity, leader=False))
    assert "no scheduler" in header_lines(idle, 160, PLAIN)[0].plain


def test_the_banner_counts_down_and_says_how_old_the_data_are() -> None:
    lost = snapshot(link=Link.LOST, database=Health(False, message="database gone"), retry_at=104.0)
    assert banner(lost, 7.0, 100.0) == "STALE, data of 7s ago, trying again in 4s — database gone"


def test_the_banner_is_empty_while_all_is_well() -> None:
    assert banner(snapshot(), 0.5, 0.0) == ""


def test_a_server_that_hangs_is_noticed_by_the_age_of_the_data() -> None:
    assert "does not answer" in banner(snapshot(), 5.0, 0.0)


def test_redis_down_is_said() -> None:
    assert "redis" in banner(snapshot(redis=Health(False, message="refused")), 0.5, 0.0)


BAR = dict.fromkeys(("filter", "held", "unseen", "marked"), "")


def test_the_place_in_the_list() -> None:
    text = bar("Jobs", BarStatus(line=1, total=2, unseen=1234), 80, BAR).plain
    assert "2 of 2" in text
    assert "1,234 new" in text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (BarStatus(marked=3, total=9), "◆ 3 marked"),
        (BarStatus(marked=8, total=9, everything=True), "◆ all 8 that match are marked"),
        (BarStatus(marked=2, total=9, ranging=True), "range (V ends it)"),
        (BarStatus(total=9, paused=True, pending=7), "paused, 7 changes pending"),
        (BarStatus(total=9, pending=1), "1 change pending"),
        (BarStatus(total=9, stale=True), "stale"),
        (BarStatus(total=9, line=4, exact=False), "~5 of 9"),
    ],
)
def test_what_is_marked_or_held_back_is_said_over_the_list(status: BarStatus, words: str) -> None:
    assert words in bar("Jobs", status, 100, BAR).plain


def told_by(*parts: RenderableType, width: int = 100) -> str:
    """What the parts say on a terminal of this width."""
    console = Console(width=width, file=io.StringIO(), color_system=None)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_markup_and_control_characters_of_a_job_are_plain() -> None:
    bad = "[red]x[/red]\x1b[2J\n\x07"
    row = job(4, name=bad, error_msg=bad)
    given = replace(detail(row), script=bad, arguments=(bad,), environment={bad: bad}, work_dir=bad)
    events = [replace(event, reason=bad, actor=bad, action=bad) for event in given.events]
    told = told_by(
        job_title(row, None, {}), overview(given, orphan(4), NOW, {}), script(given, {}), environment(given, {}),
        history(events, {}),
    )  # fmt: skip
    assert told.count("[red]x[/red]") >= 6
    assert "\x1b" not in told and "\x07" not in told


def test_a_job_tells_its_evidence_and_attempts() -> None:
    waiting = replace(detail(job(4)), pending_reason="waiting: no node has 512 CPUs")
    told = told_by(overview(waiting, orphan(4), NOW, {}), environment(waiting, {}))
    for words in ("process 4004 runs", "no node has 512 CPUs", "pid 4004", "● held", "'a b'", "/data"):
        assert words in told


def test_what_wraps_stays_under_its_value() -> None:
    long = replace(detail(job(4)), pending_reason="waits for " + "something very long " * 8)
    lines = told_by(overview(long, None, NOW, {}), width=60).splitlines()
    first = next(number for number, line in enumerate(lines) if "Why" in line)
    begins = lines[first].index("waits")
    assert lines[first + 1][:begins].strip() == "" and lines[first + 1][begins] != " "


def test_a_script_is_highlighted_by_its_first_line_and_cut_when_it_is_endless() -> None:
    endless = replace(detail(job(4)), script="#!/usr/bin/env python3\n" + "print(1)\n" * 5000)
    told = told_by(script(endless, {}))
    assert "print(1)" in told and "3,001 more lines" in told


def test_the_newest_event_is_first() -> None:
    told = told_by(history(detail(job(4)).events, {}))
    assert told.index("allocate") < told.index("submit ")


def test_over_its_limit_is_said() -> None:
    late = job(999, time_limit=30, start_time=NOW - timedelta(seconds=90))
    assert "1:00 over its time limit" in told_by(overview(detail(late), None, NOW, {}))


def test_every_key_has_its_own_id() -> None:
    groups = (TABLE, LOG, LIST, JOB, APP, ACT)
    ids = [key.id for group in groups for key in group.keys]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("groups", [(TABLE, LIST, ACT, UNDO, APP), (LOG, JOB, ACT, UNDO, APP)])
def test_no_key_means_two_things_on_one_screen(groups: tuple[KeyGroup, ...]) -> None:
    # The log's escape is the screen's when the log has nothing to give up.
    entries = [entry for group in groups for entry in group.keys if entry.id != "log.give_up"]
    pressed = [key for entry in entries for key in entry.keys.split(",")]
    assert len(pressed) == len(set(pressed))


def test_every_action_with_a_key_is_bound_and_explained() -> None:
    assert {key.id for key in ACT.keys} == {f"act.{name}" for name, action in ACTIONS.items() if action.key}
    assert without_acts([ACT]) == []


def test_leaving_says_what_goes_on_and_how_to_stop_it() -> None:
    told = farewell(snapshot(workers=(worker(7, "alpha"), worker(8, "beta", WorkerState.DEAD))))
    assert "alpha (pid 107)" in told
    assert "beta" not in told
    assert "jobwarden down" in told


def test_leaving_without_a_worker_says_how_to_start_one() -> None:
    assert "jobwarden up" in farewell(snapshot(workers=()))

"""Actions over actions that say what the test tells them: who is hit is pinned, asked, shown and taken back."""

import asyncio
from threading import Event

import pytest
from textual.binding import Binding

from jobwarden.backend.actions.catalog import ACTIONS
from jobwarden.backend.actions.results import Step
from jobwarden.backend.actions.targets import Scope
from jobwarden.backend.queries.jobs import compile_filter
from jobwarden.backend.queries.models.pages import QueueWanted
from jobwarden.tui.actions.model import ActionReport, Item, ItemOutcome, Question
from jobwarden.tui.dialogs.confirm import Confirm, victims
from jobwarden.tui.dialogs.dialog import Dialog
from jobwarden.tui.dialogs.help import Help
from jobwarden.tui.dialogs.results import ProgressDialog, ResultsDialog, result_lines, summary
from jobwarden.tui.screens.job import JobScreen
from jobwarden.tui.screens.jobs import JobsScreen
from tests.tui.fakes import Screen, detail, job, jobs, snapshot, window
from tests.tui.scenes import dead_worker, queue
from tests.tui.test_jobs_screen import shown, text_of
from tests.tui.test_side_screens import opened
from tests.tui.waiting import asks, until

SIZE = (110, 40)


@pytest.mark.parametrize("name", [name for name, action in ACTIONS.items() if action.key])
async def test_every_action_of_the_table_has_its_key_asks_first_and_keeps_the_reason(name: str) -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        await pilot.press("j", ACTIONS[name].key)
        await until(pilot, lambda: asks(screen.app, Confirm))
        assert not screen.client.performed
        if ACTIONS[name].takes:
            await pilot.press(*"-50", "tab")
        await pilot.press(*"why", "enter")
        await until(pilot, lambda: screen.client.performed)
    [(done, ids, reason)] = screen.client.performed
    assert (done, reason) == (name, "why")
    assert (len(ids) > 1) if name == "clean" else (ids == (949,))
    assert screen.client.values == [-50 if ACTIONS[name].takes else None]


@pytest.mark.parametrize("name", [name for name, action in ACTIONS.items() if action.key])
async def test_esc_never_says_cancel_where_something_is_cancelled(name: str) -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        await pilot.press("j", ACTIONS[name].key)
        await until(pilot, lambda: asks(screen.app, Confirm))
        text = text_of(screen)
        assert ("Esc go back" if name == "cancel" else "Esc cancel") in text
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(screen.app.screen, Confirm))
        assert not screen.client.performed


async def test_marked_jobs_are_hit_also_when_the_filter_hides_them() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(50, 50)))
        await pilot.press("space", "space")
        await shown(pilot, screen, window([job(7)], query=compile_filter("id:7")))
        await pilot.press("K")
        await until(pilot, lambda: asks(screen.app, Confirm))
        assert "50  render-50" in text_of(screen)
        await pilot.press("enter")
        await until(pilot, lambda: screen.client.performed)
    assert set(screen.client.performed[0][1]) == {50, 49}


async def test_all_that_match_stand_for_the_filter_until_they_are_confirmed() -> None:
    screen = Screen()
    screen.client.matching = tuple(range(100, 130))
    async with screen.app.run_test(size=SIZE) as pilot:
        filtered = window(jobs(50, 50), query=compile_filter("state:running"), total=30)
        await shown(pilot, screen, snapshot(), filtered)
        await pilot.press("asterisk", "K")
        await until(pilot, lambda: asks(screen.app, Confirm))
        assert "Kill 30 jobs?" in text_of(screen) and "on beta 30" in text_of(screen)
        await pilot.press("enter", *"31", "enter")
        await pilot.pause()
        assert asks(screen.app, Confirm) and not screen.client.performed
        await pilot.press("backspace", "backspace", *"30", "enter")
        await until(pilot, lambda: screen.client.performed)
    assert screen.client.scopes == [Scope((), "state:running"), Scope(tuple(range(100, 130)), "state:running")]


async def test_a_dry_run_looks_again_and_writes_nothing() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        await pilot.press("C")
        await until(pilot, lambda: asks(screen.app, Confirm))
        screen.client.refused[946] = "has ended meanwhile"
        await pilot.press("ctrl+t")
        await until(pilot, lambda: asks(screen.app, ResultsDialog))
        await pilot.pause()
        text = text_of(screen)
        assert "Dry run of clean up: 8 jobs, nothing was changed" in text
    assert not screen.client.performed


async def test_what_takes_its_time_shows_how_far_it_is_and_can_be_stopped() -> None:
    screen = Screen()
    screen.client.gate.clear()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        await pilot.press("C")
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.press("enter")
        await until(pilot, lambda: asks(screen.app, ProgressDialog))
        await until(pilot, lambda: "0 of 9" in text_of(screen))
        await pilot.press("escape")
        await until(pilot, lambda: asks(screen.app, ResultsDialog))
        await pilot.pause()
        assert "0 done, 9 refused" in text_of(screen) and "was not done" in text_of(screen)
        assert not any(isinstance(each, ProgressDialog) for each in screen.app.screen_stack)


async def test_a_second_action_waits_for_the_first() -> None:
    screen = Screen()
    screen.client.gate.clear()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(950, 9)))
        await pilot.press("K")
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.press("enter")
        await until(pilot, lambda: screen.client.performed)
        below = screen.app.screen_stack[0]
        assert isinstance(below, JobsScreen)
        below.action_act("kill")
        await until(
            pilot, lambda: any("another action is still running" in note.message for note in screen.app._notifications)
        )
        screen.client.gate.set()
        await until(pilot, lambda: any("kill: done" in note.message for note in screen.app._notifications))


@pytest.mark.parametrize(("key", "back", "value"), [("H", "unhold", None), ("U", "hold", None), ("P", "priority", 7)])
async def test_what_can_be_taken_back_is_with_one_key(key: str, back: str, value: int | None) -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[QueueWanted()] = queue()
        side = await opened(pilot, screen, "4", snapshot())
        await until(pilot, lambda: side.table.listed)
        await pilot.press(key)
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.press(*(["9", "enter"] if key == "P" else ["enter"]))
        await until(pilot, lambda: any("Z to undo" in note.message for note in screen.app._notifications))
        await pilot.press("Z")
        await until(pilot, lambda: len(screen.client.performed) == 2)
        name, ids, reason = screen.client.performed[1]
        assert (name, ids, screen.client.values[1]) == (back, (900,), value) and reason and reason.startswith("undo")


async def test_what_cannot_be_taken_back_leaves_nothing_to_undo() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(950, 9)))
        await pilot.press("K")
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.press("enter")
        await until(pilot, lambda: any("kill: done" in note.message for note in screen.app._notifications))
        await pilot.press("Z")
        await until(pilot, lambda: any("nothing to undo" in note.message for note in screen.app._notifications))


async def test_a_priority_that_is_no_number_is_explained_in_the_window() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[QueueWanted()] = queue()
        side = await opened(pilot, screen, "4", snapshot())
        await until(pilot, lambda: side.table.listed)
        await pilot.press("P")
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.press(*"high", "enter")
        await until(pilot, lambda: "the priority must be a whole number" in text_of(screen))
    assert not screen.client.performed


async def test_a_node_is_drained_with_a_reason_and_resumed_by_undo() -> None:
    screen = Screen()
    screen.client.drained = {"alpha": False, "beta": True}
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen, "3", dead_worker())
        await pilot.press("space", "space", "d")
        await until(pilot, lambda: asks(screen.app, Confirm))
        text = text_of(screen)
        assert "Drain 1 node?" in text and "beta  is drained already" in text and "2 jobs running" in text
        await pilot.press(*"new disk", "enter")
        await until(pilot, lambda: screen.client.drained["alpha"])
        assert screen.client.performed == [("drain", (), "new disk")]
        await until(pilot, lambda: any("Z to undo" in note.message for note in screen.app._notifications))
        await pilot.press("Z")
        await until(pilot, lambda: not screen.client.drained["alpha"])


async def test_on_the_screen_of_a_job_every_action_is_for_that_job_alone() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.details[9] = detail(job(9))
        await shown(pilot, screen, dead_worker(), window(jobs(9, 9)))
        await pilot.press("space", "k", "enter")
        await until(pilot, lambda: isinstance(screen.app.screen, JobScreen))
        await pilot.press("C")
        await until(pilot, lambda: asks(screen.app, Confirm))
    assert screen.client.scopes == [Scope((9,))]


@pytest.mark.parametrize("key", ["2", "3", "4"])
async def test_read_only_has_no_action_on_any_screen(key: str) -> None:
    screen = Screen(read_only=True)
    screen.client.drained = {"alpha": False}
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[QueueWanted()] = queue()
        await opened(pilot, screen, key, dead_worker())
        await pilot.press("C", "K", "d", "r", "H", "P", "Z")
        await pilot.pause(0.2)
        assert not isinstance(screen.app.screen, Dialog)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(screen.app.screen, Help))
        assert "TERM, grace" not in text_of(screen) and "start no new jobs" not in text_of(screen)
    assert not screen.client.performed and not screen.client.scopes


def test_reasons_that_many_share_are_said_once_with_who_they_are_about() -> None:
    left = tuple((str(number), "is already FAILED: nothing to do") for number in range(1, 41))
    items = tuple(Item(str(n), "train", f"on beta  pid {n}", "", f"LOST: FAILED (process {n})") for n in range(300))
    told = victims(Question("clean up", "job", items, left)).plain
    assert told.count("is already FAILED") == 1 and "and 28 more" in told
    assert "    300  LOST: FAILED\n" in told and "on beta 300" in told and "… and 100 more" in told


def test_what_happens_to_all_alike_is_said_once() -> None:
    items = tuple(Item(str(n), "train", f"on beta  pid {n}", f"python {n}.py", "ends as FAILED") for n in range(9))
    told = victims(Question("kill", "job", items)).plain
    assert told.count("ends as FAILED") == 1 and "on beta 9" in told and "python 8.py" in told
    assert victims(Question("kill", "job", items[:1])).plain.splitlines()[-1] == "  ends as FAILED"


def test_every_key_of_a_window_has_an_id() -> None:
    for window_class in (Confirm, ResultsDialog, ProgressDialog, Dialog):
        assert all(isinstance(binding, Binding) and binding.id for binding in window_class.BINDINGS)


async def test_what_only_evidence_protects_takes_a_key_and_a_word_of_its_own() -> None:
    screen = Screen()
    screen.client.alive = {949}
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        await pilot.press("j", "F")
        await until(pilot, lambda: "may be alive on host far" in text_of(screen))
        assert "nothing to do" in text_of(screen) and "^o force" in text_of(screen)
        await pilot.press("enter")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "Force mark failed 1 job?" in text_of(screen) and asks(screen.app, Confirm))
        await pilot.press("enter")
        await until(pilot, lambda: "type force on this line" in text_of(screen))
        assert not screen.client.performed
        await pilot.press(*"force", "enter")
        await until(pilot, lambda: screen.client.performed)
    assert screen.client.performed == [("mark-failed", (949,), None)]
    assert screen.client.forced == [True]


async def test_force_is_offered_only_where_it_applies() -> None:
    screen = Screen()
    screen.client.alive = {949, 950}
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        await pilot.press("space", "space", "space", "K")  # a kill asks no evidence
        await until(pilot, lambda: "Kill 1 job?" in text_of(screen))
        assert "^o" not in text_of(screen)
        await pilot.press("ctrl+o", "escape", "R")
        await until(pilot, lambda: "Release 1 job?" in text_of(screen))
        assert "^o force" in text_of(screen)
        await pilot.press("enter")
        await until(pilot, lambda: screen.client.performed)
    assert screen.client.performed == [("release", (948,), None)]
    assert screen.client.forced == [False]


@pytest.mark.parametrize("turns", range(12))
async def test_an_action_that_is_over_while_its_progress_comes_up_takes_nothing_down(turns: int) -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, screen, window([job(9)]))
        progress = ProgressDialog("clean up", Event(), Step(0, 2, None, "looking"))
        pilot.app.push_screen(progress)
        for _ in range(turns):
            await asyncio.sleep(0)
        progress.show(Step(1, 2, None, "looking again"))
        progress.dismiss(None)
        progress.show(Step(2, 2, None, "done"))
        await until(pilot, lambda: not progress.is_attached)


def test_results_are_summed_up_and_name_what_failed() -> None:
    done = tuple(ItemOutcome(str(number), True, True, "FAILED (OPERATOR), released") for number in range(100))
    assert summary(ActionReport("clean up", "job", done)).plain == "clean up: 100 done, 0 refused"
    lines = result_lines(ActionReport("clean up", "job", done)).plain.split("\n")
    assert (len(lines), lines[-1]) == (6, "… and 95 more")
    mixed = (
        *done,
        ItemOutcome("7", False, False, "is of another host"),
        ItemOutcome("8", True, False, "is released already"),
    )
    lines = result_lines(ActionReport("clean up", "job", mixed)).plain.split("\n")
    assert lines[:2] == ["✗ 7  is of another host", "· 8  is released already"]
    assert summary(ActionReport("clean up", "job", mixed)).plain == "clean up: 100 done, 1 refused, 1 had nothing to do"


def test_a_long_line_of_a_question_goes_on_further_in() -> None:
    from jobwarden.tui.dialogs.confirm import hanging
    from jobwarden.tui.text import Text

    said = "  ORPHAN: TERM, grace, KILL, then FAILED (OPERATOR)"
    text = Text("\n").join([Text("12  job  on node"), Text(said, "dim")])
    shown = hanging(text, 24).plain.split("\n")
    assert shown == ["12  job  on node", "  ORPHAN: TERM, grace,", "    KILL, then FAILED", "    (OPERATOR)"]
    assert hanging(Text("x" * 50), 20).plain.split("\n") == ["x" * 20, "  " + "x" * 18, "  " + "x" * 12]

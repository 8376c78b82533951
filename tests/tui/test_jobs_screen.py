"""The list as an operator uses it: the cursor stays on its job, actions ask first and hit what was pinned."""

import pytest
from textual.pilot import Pilot

from jobwarden.backend.domain.states import JobState
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.job_window import JobWindow
from jobwarden.backend.queries.models.snapshot import Health, Link
from jobwarden.backend.queries.models.sort import Order
from jobwarden.tui.dialogs.confirm import Confirm
from jobwarden.tui.dialogs.help import Help
from jobwarden.tui.dialogs.results import ResultsDialog
from jobwarden.tui.screens.job import JobScreen
from jobwarden.tui.screens.jobs_table import JobTable
from jobwarden.tui.widgets.log.panel import LogPanel
from jobwarden.tui.widgets.prompt import FilterPrompt
from tests.tui.fakes import Screen, incident, job, jobs, snapshot, window
from tests.tui.waiting import asks, until

SIZE = (100, 30)


def table(screen: Screen) -> JobTable:
    return screen.app.screen_stack[0].query_one(JobTable)


async def shown(pilot: Pilot[None], screen: Screen, *news: News) -> None:
    for item in news:
        screen.source.deliver(item)
    await pilot.pause()
    await pilot.pause()


def text_of(screen: Screen) -> str:
    """What is on the terminal."""
    lines = screen.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


async def test_jobs_are_listed_newest_first_with_glyph_and_word() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(50, 50)))
        lines = text_of(screen).splitlines()
    assert any("50 ○ PENDING" in line for line in lines)
    assert any("48 ✗ FAILED" in line and "exit 3" in line for line in lines)


async def test_markup_in_a_name_is_plain_text() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window([job(4)]))
        assert "[bold]x[/bold]" in text_of(screen)


@pytest.mark.parametrize(
    ("keys", "job_id"),
    [
        (["j"], 49), (["down", "down"], 48), (["j", "j", "k"], 49), (["G"], 1), (["end", "up"], 2),
        (["G", "g"], 50), (["end", "home"], 50), (["k"], 50),
    ],
)  # fmt: skip
async def test_keys_move_the_cursor(keys: list[str], job_id: int) -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.press(*keys)
        selected = table(screen).selected
    assert selected is not None
    assert selected.id == job_id


async def test_a_page_down_and_up_comes_back() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(500, 500)))
        await pilot.press("j", "pagedown")
        assert table(screen).cursor_line == 1 + table(screen).page
        await pilot.press("pageup")
        assert table(screen).cursor_line == 1


async def test_the_cursor_and_its_line_stay_on_the_job_when_others_come() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(500, 400)))
        await pilot.press("pagedown", "j")
        before = table(screen)
        assert before.selected is not None
        job_id, on_screen = before.selected.id, before.cursor_line - before.first_line
        await shown(pilot, screen, window(jobs(507, 407)))
        after = table(screen)
        assert after.selected is not None
        assert (after.selected.id, after.cursor_line - after.first_line) == (job_id, on_screen)
        assert after.unseen == 7
        assert "7 new" in text_of(screen)


async def test_at_the_top_new_jobs_are_shown() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await shown(pilot, screen, window(jobs(53, 53)))
        selected = table(screen).selected
    assert selected is not None
    assert selected.id == 53


async def test_a_click_selects_its_row() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.click(JobTable, offset=(10, 4))
        selected = table(screen).selected
    assert selected is not None
    assert selected.id == 47


async def test_orphans_are_flagged_with_their_kind() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, incident(49), window(jobs(50, 50)))
        text = text_of(screen)
    assert "⚠ ORPHAN" in next(line for line in text.splitlines() if " 49 " in line)
    assert "⚠ 1 orphan" in text
    assert "1 dead" in text


async def test_the_log_follows_the_selected_job() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.log = LogView(lines=("\x1b[31mred\x1b[0m line",))
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.press("j")
        await pilot.pause()
        assert ("follow", 49) in screen.source.asked
        assert "red line" in text_of(screen)
        assert "log of 49" in text_of(screen)


async def test_scrolling_the_log_up_pauses_it_and_the_end_follows_again() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.log = LogView(lines=tuple(f"line {number}" for number in range(200)))
        await shown(pilot, screen, window(jobs(5, 5)))
        await pilot.press("tab", "k")
        panel = screen.app.screen.query_one(LogPanel)
        assert not panel.following
        more = LogView(job_id=5, lines=tuple(f"line {number}" for number in range(203)))
        await shown(pilot, screen, more)
        assert panel.unseen == 3
        assert "3 new below" in text_of(screen)
        await pilot.press("G")
        await pilot.pause()
        assert panel.following
        assert "line 202" in text_of(screen)


async def test_a_wrong_filter_is_explained_where_it_was_typed() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(5, 5)))
        await pilot.press("slash", *"state:foo", "enter")
        await pilot.pause()
        assert "no state 'foo'" in text_of(screen)
        assert screen.app.screen.query_one(FilterPrompt).display


async def test_a_filter_is_asked_for_shown_and_cleared() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(5, 5)))
        await pilot.press("slash", *"state:failed", "enter")
        await pilot.pause()
        await pilot.pause()
        assert "no job matches  state:failed" in text_of(screen)
        await pilot.press("escape")
        await pilot.pause()
        assert [asked for asked in screen.source.asked if asked[0] == "show"] == [
            ("show", "state:failed"),
            ("show", ""),
        ]


async def test_an_action_asks_names_its_victim_and_stays_with_it() -> None:
    """The list moves on while the question stands: it is still the job of the question that is hit."""
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.press("j", "j", "K")
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.pause()
        text = text_of(screen)
        assert "Kill 1 job?" in text
        assert "48  render-48" in text
        assert "supervisor pid 4048" in text
        assert "/bin/sh /spool/48/job_48.sh --epochs 10" in text
        assert not screen.client.performed
        await shown(pilot, screen, window(jobs(60, 10)))
        await pilot.press(*"hung", "enter")
        await until(pilot, lambda: screen.client.performed)
    assert screen.client.performed == [("kill", (48,), "hung")]


async def test_escape_leaves_all_as_it_is() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.press("K")
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(screen.app.screen, Confirm))
    assert screen.client.performed == []


async def test_what_cannot_be_done_is_said_without_a_question() -> None:
    screen = Screen()
    screen.client.refused[50] = "is already COMPLETED: nothing to do"
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.press("K")
        await until(pilot, lambda: screen.app._notifications)
        assert [note.message for note in screen.app._notifications] == ["job 50: is already COMPLETED: nothing to do"]
        assert not isinstance(screen.app.screen, Confirm)


async def test_an_error_nobody_foresaw_is_shown_and_the_screen_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()

    def explode(*_: object) -> None:
        raise ZeroDivisionError("as if")

    monkeypatch.setattr(screen.client, "plan", explode)
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.press("K")
        await until(pilot, lambda: screen.app._notifications)
        [note] = screen.app._notifications
        assert note.message.startswith("internal error: as if")
        assert not isinstance(screen.app.screen, Confirm)


async def test_one_key_cleans_up_every_orphan_and_lists_the_results() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, incident(49, 44, 34), window(jobs(50, 50)))
        await pilot.press("C")
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.press("enter")
        await until(pilot, lambda: asks(screen.app, ResultsDialog))
        await pilot.pause()
        assert "2 done, 1 refused" in text_of(screen)
    assert screen.client.performed == [("clean", (49, 44, 34), None)]


async def test_above_twenty_the_number_is_typed() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, incident(*range(1, 26)), window(jobs(50, 50)))
        await pilot.press("C")
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(screen.app.screen, Confirm)
        await pilot.press("2", "5", "enter")
        await until(pilot, lambda: screen.client.performed)
    assert len(screen.client.performed[0][1]) == 25


@pytest.mark.parametrize("key", ["c", "K", "F", "R", "C", "H", "U", "r"])
async def test_read_only_does_nothing_and_names_no_action(key: str) -> None:
    screen = Screen(read_only=True)
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, incident(50), window(jobs(50, 50)))
        await pilot.press(key)
        await pilot.pause(0.1)
        assert not isinstance(screen.app.screen, Confirm)
        assert "kill" not in text_of(screen)
        assert "read-only" in text_of(screen)
    assert screen.client.performed == []


async def test_enter_opens_the_job_and_escape_comes_back() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(screen.app.screen, JobScreen))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(screen.app.screen, JobScreen))
    assert ("watch", 49) in screen.source.asked
    assert ("watch", None) in screen.source.asked


async def test_help_lists_every_key_of_the_screen() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 140)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(screen.app.screen, Help))
        await pilot.pause()
        text = text_of(screen)
    for word in (
        "new rows stay in view",
        "mark all matching rows",
        "show only matching rows",
        "Kill jobs: TERM",
        "quit the dashboard",
        "job state",
    ):
        assert word in text


@pytest.mark.parametrize(
    ("state", "words"),
    [(None, "loading jobs"), (window(()), "jobwarden submit job.sh"), (window((), error="boom"), "boom")],
)
async def test_nothing_to_list_says_why(state: JobWindow | None, words: str) -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, *([state] if state else []))
        assert words in text_of(screen)


async def test_a_change_of_state_is_drawn() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window([job(9)]))
        assert "● RUNNING" in text_of(screen)
        await shown(pilot, screen, window([job(9, JobState.FAILED, version=2)]))
        assert "✗ FAILED" in text_of(screen)


async def test_quitting_stops_the_source() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await pilot.press("q")
    assert screen.source.asked[-1] == ("stop", None)


async def test_the_list_says_that_it_is_old_until_the_database_is_back() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(50, 50)))
        assert "stale" not in text_of(screen)
        await shown(pilot, screen, snapshot(link=Link.LOST, database=Health(False, message="gone")))
        await until(pilot, lambda: "‖ stale" in text_of(screen) and "STALE" in text_of(screen))
        assert "redis unknown" in text_of(screen) and "redis ok" not in text_of(screen)
        assert " 49 " in text_of(screen)
        await shown(pilot, screen, snapshot())
        await until(pilot, lambda: "stale" not in text_of(screen).lower())


async def test_escape_gives_up_a_filter_whose_list_has_not_come() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, screen, window(jobs(5, 5)))
        screen.source.silent = True
        await pilot.press("slash", *"name:slow", "enter")
        await until(pilot, lambda: "reading …" in text_of(screen))
        await pilot.press("escape")
        await until(pilot, lambda: screen.source.asked[-1] == ("show", ""))
        await until(pilot, lambda: "1 of 5" in text_of(screen))


async def test_an_order_that_is_chosen_while_a_filter_is_read_keeps_the_filter() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, screen, window(jobs(5, 5)))
        screen.source.silent = True
        await pilot.press("slash", *"name:slow", "enter", "O")
        await until(pilot, lambda: screen.source.asked[-1][0] == "order")
        assert screen.source.asked[-1][1] == ("name:slow", Order("id", False))

"""Typing a filter: suggestions, what was typed before, and an error that stands under its word."""

from textual.pilot import Pilot
from textual.widgets import Input

from jobwarden.tui.widgets.prompt import FilterPrompt
from tests.tui.fakes import Screen, jobs, window
from tests.tui.test_jobs_screen import shown, text_of
from tests.tui.waiting import until

SIZE = (100, 30)


def line(screen: Screen) -> str:
    return screen.app.screen.query_one(FilterPrompt).query_one(Input).value


async def typing(pilot: Pilot[None], screen: Screen, *keys: str) -> None:
    await shown(pilot, screen, window(jobs(5, 5)))
    await pilot.press("slash", *keys)
    await pilot.pause()


async def test_tab_takes_the_marked_suggestion_and_the_values_come_after_the_field() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await typing(pilot, screen, *"sta")
        await until(pilot, lambda: "job state" in text_of(screen))
        await pilot.press("tab")
        assert line(screen) == "state:"
        await until(pilot, lambda: "pending" in text_of(screen) and "cancelled" in text_of(screen))
        await pilot.press("ctrl+n", "ctrl+n", "shift+tab", "tab")
        assert line(screen) == "state:running"


async def test_nodes_and_accounts_that_there_are_now_are_offered() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await typing(pilot, screen, *"node:g")
        assert ("words", None) in screen.source.asked
        assert "gpu2" in text_of(screen)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: ("show", "node:gpu1") in screen.source.asked)


async def test_earlier_filters_come_back_also_the_next_time() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await typing(pilot, screen, *"state:failed", "enter")
        await pilot.press("slash", "ctrl+u", *"name:x", "enter")
        await until(pilot, lambda: not screen.app.screen.query_one(FilterPrompt).display)
    again = Screen(state=screen.app.state)
    async with again.app.run_test(size=SIZE) as pilot:
        await typing(pilot, again, *"dra")
        for key, text in (("up", "name:x"), ("up", "state:failed"), ("up", "state:failed"), ("down", "name:x")):
            await pilot.press(key)
            assert line(again) == text
        await pilot.press("down")
        assert line(again) == "dra"


async def test_a_wrong_filter_is_not_remembered_and_its_word_is_pointed_at() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await typing(pilot, screen, *"age>1h stat:failed", "enter")
        lines = text_of(screen).splitlines()
        row = next(number for number, text in enumerate(lines) if "stat:failed" in text)
        assert lines[row].index("stat:failed") == lines[row + 1].index("^" * len("stat:failed"))
        assert "did you mean state?" in lines[row + 1]
        await pilot.press("escape", "slash", "up")
        assert line(screen) == ""


async def test_a_value_that_is_whole_is_not_offered_again_and_enter_asks_for_what_stands_there() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await typing(pilot, screen, *"state:failed", "tab", "enter")
        await until(pilot, lambda: ("show", "state:failed") in screen.source.asked)

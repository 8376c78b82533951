"""Keys in one burst, as a slow line delivers them: none goes where it was not meant."""

import asyncio

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from jobwarden.tui.palette.screen import Palette
from jobwarden.tui.screens.jobs import JobsScreen
from jobwarden.tui.screens.jobs_table import JobTable
from jobwarden.tui.widgets.prompt import FilterPrompt
from tests.tui.fakes import Screen, jobs, snapshot, window
from tests.tui.waiting import asks, until

NAMED = {":": "colon", "/": "slash", "\r": "enter"}


def burst(pilot: Pilot[None], text: str) -> None:
    """Type without waiting for anything; what is held back for no reason would never come."""
    for letter in text:
        pilot.app.post_message(events.Key(NAMED.get(letter, letter), letter))


async def opened(pilot: Pilot[None], screen: Screen) -> None:
    screen.source.deliver(snapshot())
    screen.source.deliver(window(jobs(50, 5)))
    await until(pilot, lambda: isinstance(pilot.app.focused, JobTable) and pilot.app.focused.selected)


async def test_a_filter_typed_in_one_burst_is_all_filter() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, screen)
        burst(pilot, "/name:KCe")
        line = pilot.app.screen.query_one(FilterPrompt).query_one(Input)
        await until(pilot, lambda: line.value == "name:KCe")
        assert isinstance(pilot.app.screen, JobsScreen)


async def test_what_follows_the_enter_goes_to_the_list() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, screen)
        table = pilot.app.screen.query_one(JobTable)
        first = table.selected
        burst(pilot, "/name:a\rjj")
        await until(pilot, lambda: pilot.app.focused is table and not pilot.app.screen.query_one(FilterPrompt).display)
        screen.source.deliver(window(jobs(50, 5)))
        await until(pilot, lambda: table.selected != first)


@pytest.mark.parametrize("text", ["nodes", "Kill"])
async def test_a_command_typed_in_one_burst_is_all_command(text: str) -> None:
    screen = Screen()
    async with screen.app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, screen)
        burst(pilot, f":{text}")
        await until(pilot, lambda: asks(pilot.app, Palette))
        await until(pilot, lambda: pilot.app.screen.query_one(Input).value == text)
        assert len(pilot.app.screen_stack) == 2


async def test_a_paste_waits_for_the_key_before_it() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, screen)
        burst(pilot, "/")
        pilot.app.post_message(events.Paste("state:failed"))
        line = pilot.app.screen.query_one(FilterPrompt).query_one(Input)
        await until(pilot, lambda: line.value == "state:failed")


async def test_a_key_that_closes_its_own_dialog_holds_nothing_up() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, screen)
        for _ in range(5):
            burst(pilot, ":")
            pilot.app.post_message(events.Key("escape", None))
        burst(pilot, ":nodes\r")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "NodesScreen")


@pytest.mark.parametrize("pause", [0, 0.005, 0.02])
async def test_what_is_typed_after_the_last_key_is_for_nobody(pause: float) -> None:
    screen = Screen()
    async with screen.app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, screen)
        burst(pilot, "jjkj" * 50)
        await asyncio.sleep(pause)

"""Jump mode: letters on what is many keys away, none where there is only one place to go to."""

from collections.abc import Sequence

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.tui.dialogs.jump import LETTERS, Jump
from jobwarden.tui.widgets.log.body import LogBody
from jobwarden.tui.widgets.table.cursor import CursorTable
from tests.tui.fakes import Screen, job, jobs, snapshot, window
from tests.tui.test_jobs_screen import shown, table
from tests.tui.test_readable import settled
from tests.tui.waiting import until

LOG = LogView(lines=("one", "two"))


def letters(screen: Screen) -> dict[int, str]:
    """The letters by the line of the terminal that they are on."""
    labels = screen.app.screen.query(".letter").results(Static)
    return {label.region.y: str(label.render()) for label in labels}


async def opened(pilot: Pilot[None], screen: Screen) -> dict[int, str]:
    await pilot.press("semicolon")
    await until(pilot, lambda: isinstance(screen.app.screen, Jump))
    await settled(pilot)
    return letters(screen)


async def on_the_list(pilot: Pilot[None], screen: Screen, rows: Sequence[JobRow], log: LogView) -> None:
    screen.source.log = log
    await shown(pilot, screen, snapshot(), window(rows))
    await settled(pilot)


@pytest.mark.parametrize("log", [LOG, LogView()], ids=["log", "no log"])
async def test_a_letter_goes_to_the_row_it_stands_on(log: LogView) -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await on_the_list(pilot, screen, jobs(950, 9), log)
        first = table(screen).region.y + 1
        found = await opened(pilot, screen)
        assert first not in found and set(range(first + 1, first + 9)) <= set(found)
        await pilot.press(found[first + 5])
        await until(pilot, lambda: not isinstance(screen.app.screen, Jump))
        selected = table(screen).selected
        assert table(screen).has_focus and selected is not None and selected.id == 945


async def test_a_letter_goes_to_the_other_part() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await on_the_list(pilot, screen, jobs(950, 9), LOG)
        log = screen.app.screen.query_one(LogBody)
        place = log.region.y
        found = await opened(pilot, screen)
        await pilot.press(found[place])
        await until(pilot, lambda: log.has_focus)
        found = await opened(pilot, screen)
        assert place not in found and table(screen).region.y + 1 in found


async def test_the_one_other_place_is_gone_to_at_once() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await on_the_list(pilot, screen, [job(946)], LOG)
        await pilot.press("semicolon")
        await settled(pilot)
        assert isinstance(screen.app.screen.focused, LogBody)
        await pilot.press("semicolon")
        await settled(pilot)
        assert isinstance(screen.app.screen.focused, CursorTable)


@pytest.mark.parametrize("news", [[job(946)], []], ids=["one job", "no job"])
async def test_where_there_is_nowhere_to_go_that_is_said(news: list[JobRow]) -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await on_the_list(pilot, screen, news, LogView())
        await pilot.press("semicolon")
        await settled(pilot)
        assert not isinstance(screen.app.screen, Jump)
        assert any("nothing to jump to" in note.message for note in screen.app._notifications)


async def test_a_long_list_keeps_a_letter_for_every_part() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 100)) as pilot:
        await on_the_list(pilot, screen, jobs(950, 200), LOG)
        place = screen.app.screen.query_one(LogBody).region.y
        found = await opened(pilot, screen)
        assert place in found and sorted(found.values()) == sorted(LETTERS)

"""The page of keys."""

import pytest
from textual.pilot import Pilot

from jobwarden.backend.domain.filters.completion import EVENTS, JOBS
from jobwarden.tui.dialogs.help import Help, filter_section, key_section, middle
from jobwarden.tui.screens.jobs import JobsScreen
from jobwarden.tui.text import Text
from tests.tui.fakes import Screen
from tests.tui.test_jobs_screen import text_of
from tests.tui.waiting import until


async def opened(screen: Screen, pilot: Pilot[None]) -> None:
    await pilot.press("question_mark")
    await until(pilot, lambda: isinstance(screen.app.screen, Help))
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("width", [80, 120, 170])
async def test_every_key_and_every_filter_word_is_on_the_page(width: int) -> None:
    screen = Screen()
    async with screen.app.run_test(size=(width, 200)) as pilot:
        below = screen.app.screen
        assert isinstance(below, JobsScreen)
        await opened(screen, pilot)
        shown = text_of(screen)
        for key in [key for group in below.groups for key in group.keys]:
            assert key.shown in shown
            assert " ".join(key.help.split()[:2]) in shown
        assert all(f" {name} " in shown for name in JOBS.fields)


async def test_the_names_for_the_key_map_are_there_on_request() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 200)) as pilot:
        await opened(screen, pilot)
        assert "act.clean" not in text_of(screen)
        await pilot.press("n")
        await pilot.pause()
        assert "act.clean" in text_of(screen)
        await pilot.press("q")
        await until(pilot, lambda: not isinstance(screen.app.screen, Help))


@pytest.mark.parametrize(("heights", "cut"), [([10, 10], 1), ([2, 2, 2, 8], 3), ([9, 1, 1], 1), ([5], 1)])
def test_both_columns_are_about_as_long(heights: list[int], cut: int) -> None:
    sections = [Text("\n").join([Text("x")] * height) for height in heights]
    assert [section.plain.count("\n") + 1 for section in sections] == heights
    assert middle(sections) == cut


def test_a_section_names_what_it_is_about() -> None:
    from jobwarden.tui.keys.bindings import APP

    assert key_section(APP).plain.startswith(APP.title)
    assert "!word" in filter_section(EVENTS).plain

"""The screens as modes: one key each, news for the one on top, and none missed by the others."""

import pytest

from jobwarden.tui.screen_registry import SCREENS, ScreenEntry
from jobwarden.tui.screens.job import JobScreen
from jobwarden.tui.widgets.tabs import tabs
from tests.tui.fakes import Screen, detail, incident, job, jobs, snapshot, window
from tests.tui.test_jobs_screen import SIZE, shown, table, text_of
from tests.tui.waiting import until


@pytest.mark.parametrize("entry", SCREENS, ids=lambda entry: entry.name)
async def test_each_screen_has_a_key(entry: ScreenEntry) -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(9, 9)))
        await pilot.press(entry.key)
        await until(pilot, lambda: screen.app.current_mode == entry.name)
        await until(pilot, lambda: f"[{entry.key} {entry.title}" in text_of(screen))


def test_no_two_screens_share_a_key_or_a_name() -> None:
    assert len({entry.key for entry in SCREENS}) == len({entry.name for entry in SCREENS}) == len(SCREENS)


async def test_a_screen_shows_at_once_what_came_while_another_was_on_top() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(9, 9)))
        await pilot.press("3")
        await shown(pilot, screen, incident(8), window([job(77)]))
        await until(pilot, lambda: "⚠ 1" in text_of(screen))
        await pilot.press("1")
        await until(pilot, lambda: "77 ● RUNNING" in text_of(screen))


async def test_the_place_in_a_list_is_kept_while_another_screen_is_on_top() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(50, 50)))
        await pilot.press("j", "j", "3", "1")
        await until(pilot, lambda: screen.app.current_mode == "jobs")
        selected = table(screen).selected
        assert selected is not None and selected.id == 48


async def test_an_open_job_stays_open_under_its_screen_and_the_screens_key_leads_back() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.details[9] = detail(job(9))
        await shown(pilot, screen, snapshot(), window(jobs(9, 9)))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(screen.app.screen, JobScreen))
        await pilot.press("3", "1")
        await until(pilot, lambda: isinstance(screen.app.screen, JobScreen))
        await pilot.press("1")
        await until(pilot, lambda: not isinstance(screen.app.screen, JobScreen))


async def test_a_click_on_a_tab_opens_its_screen() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(9, 9)))
        await pilot.click("Tabs", offset=(24, 0))
        await until(pilot, lambda: screen.app.current_mode == "nodes")


def test_the_open_tab_shows_without_colour_and_anomalies_are_counted() -> None:
    said = "".join(tab.plain for tab in tabs(SCREENS, "nodes", 1200, "", "", ""))
    assert "[3 Nodes]" in said and "2 Orphans ⚠ 1,200 " in said

"""Pictures of what goes with every screen: the line of commands, jump mode, sparklines, and every theme."""

import asyncio
from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.rates import MINUTES, Minute, Rates
from jobwarden.tui.config.preferences import Preferences
from jobwarden.tui.dialogs.jump import Jump
from jobwarden.tui.palette.screen import Palette
from jobwarden.tui.theme.themes import THEMES
from tests.tui.fakes import Screen, incident, jobs, window
from tests.tui.test_snapshots import LOG, SIZES, Compare, _settle
from tests.tui.waiting import asks

RATES = Rates(tuple(Minute(7 + number * 5 % 11, 3 + number * 7 % 9, number % 3) for number in range(MINUTES)), 4.0)
assert isinstance(LOG, LogView)


async def _incident(pilot: Pilot[None], screen: Screen, theme: str = "dark") -> None:
    screen.source.log = LOG
    screen.app.theme = theme
    await _settle(pilot, screen, replace(incident(946, 941), rates=RATES), window(jobs(950, 120)))
    await pilot.press("j", "j", "j", "j")
    await _settle(pilot, screen)


@SIZES
@pytest.mark.parametrize("theme", [name for name in THEMES if name != "dark"])
def test_a_theme(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        await _incident(pilot, screen, theme)

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


@SIZES
def test_the_line_of_commands(snap_compare: Compare, size: tuple[int, int]) -> None:
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        await _incident(pilot, screen)
        await pilot.press("colon", "k")
        while not asks(screen.app, Palette):
            await asyncio.sleep(0.01)
        screen.app.screen.query_one(Input).cursor_blink = False
        await _settle(pilot, screen)

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


@SIZES
def test_jump_mode(snap_compare: Compare, size: tuple[int, int]) -> None:
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        await _incident(pilot, screen)
        await pilot.press("semicolon")
        while not isinstance(screen.app.screen, Jump):
            await asyncio.sleep(0.01)
        await _settle(pilot, screen)

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


def test_every_theme_has_a_name_that_the_preferences_know() -> None:
    assert [Preferences(theme=name).theme for name in THEMES] == list(THEMES)

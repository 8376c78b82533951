"""Another theme while the dashboard runs: everything is painted in it at once, as if it had been started with it."""

import pytest
from rich.segment import Segment
from textual.pilot import Pilot

from jobwarden.backend.logs.view import LogView
from tests.tui.fakes import Screen, job, jobs, window
from tests.tui.scenes import dead_worker
from tests.tui.test_jobs_screen import shown
from tests.tui.test_readable import settled


def painted(screen: Screen) -> list[list[Segment]]:
    """What is on the terminal, with its colours."""
    strips = screen.app.screen._compositor.render_strips()
    return [list(Segment.simplify(strip)) for strip in strips]


async def started(pilot: Pilot[None], screen: Screen, key: str) -> None:
    screen.source.log = LogView(lines=("one", "two"))
    await shown(pilot, screen, dead_worker(), window([job(9), *jobs(8, 4)]))
    await pilot.press(key)
    await settled(pilot)


@pytest.mark.parametrize("key", ["1", "2", "3"])
@pytest.mark.parametrize("by_command", [True, False])
async def test_another_theme_is_everywhere_at_once(key: str, by_command: bool) -> None:
    fresh, switched = Screen(), Screen()
    fresh.app.theme = "light"
    async with fresh.app.run_test(size=(120, 30)) as pilot:
        await started(pilot, fresh, key)
        expected = painted(fresh)
    async with switched.app.run_test(size=(120, 30)) as pilot:
        await started(pilot, switched, key)
        before = painted(switched)
        for theme in ("light", "nord", "dark", "light"):
            if by_command:
                await pilot.press("colon", *f"theme {theme}", "enter")
            else:
                switched.app.action_choose_theme(theme)
            await settled(pilot)
            assert (painted(switched) == before) is (theme == "dark")
        for line, (is_, should) in enumerate(zip(painted(switched), expected, strict=True)):
            assert is_ == should, (line, is_[:3], should[:3])

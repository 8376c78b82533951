"""Pictures of the main screens, on a narrow and a wide terminal, with a clock that stands still."""

import asyncio
from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from jobwarden.backend.feeds.updates import News
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.snapshot import Health, Link
from jobwarden.tui.dialogs.confirm import Confirm
from jobwarden.tui.screens.job import JobScreen
from tests.tui.fakes import Screen, detail, incident, job, jobs, snapshot, window
from tests.tui.waiting import asks

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
LOG = LogView(
    lines=(*(f"\x1b[32mepoch {number:>3}\x1b[0m loss=0.{9000 - number * 7}" for number in range(60)), "saving …")
)
Compare = Callable[..., bool]


async def _settle(pilot: Pilot[None], screen: Screen, *news: News) -> None:
    for item in news:
        screen.source.deliver(item)
    await pilot.pause()
    await pilot.pause()


@SIZES
def test_incident(snap_compare: Compare, size: tuple[int, int]) -> None:
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        screen.source.log = LOG
        await _settle(pilot, screen, incident(946, 941), window(jobs(950, 120)))
        await pilot.press("j", "j", "j", "j")
        await _settle(pilot, screen)

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


@SIZES
def test_no_jobs(snap_compare: Compare, size: tuple[int, int]) -> None:
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        await _settle(pilot, screen, snapshot(), window(()))

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


@SIZES
def test_one_job(snap_compare: Compare, size: tuple[int, int]) -> None:
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        screen.source.log = LOG
        screen.source.details[946] = detail(job(946))
        await _settle(pilot, screen, incident(946, 941), window([job(946)]))
        await pilot.press("enter")
        while not isinstance(screen.app.screen, JobScreen):
            await asyncio.sleep(0.01)
        await _settle(pilot, screen)

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


@SIZES
def test_the_question_before_a_clean_up(snap_compare: Compare, size: tuple[int, int]) -> None:
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        screen.client.refused[941] = "is not touched: its host cannot be reached"
        await _settle(pilot, screen, incident(946, 941, 936), window(jobs(950, 120)))
        await pilot.press("C")
        while not asks(screen.app, Confirm):
            await asyncio.sleep(0.01)
        screen.app.screen.query_one("#reason", Input).cursor_blink = False
        await _settle(pilot, screen)

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


@SIZES
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        await _settle(pilot, screen, snapshot(), window(jobs(950, 120)))
        await pilot.press("question_mark")
        await _settle(pilot, screen)

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


@SIZES
def test_a_lost_database(snap_compare: Compare, size: tuple[int, int]) -> None:
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        gone = Health(
            False, message="database jobwarden at db1 cannot be reached: connection refused; check DATABASE_URL"
        )
        await _settle(pilot, screen, window(jobs(950, 120)), snapshot(link=Link.LOST, database=gone, retry_at=0.0))

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


@SIZES
def test_no_color(snap_compare: Compare, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        screen.source.log = LOG
        await _settle(pilot, screen, incident(946), window(jobs(950, 120)))
        await pilot.press("j", "j", "j", "j")
        await _settle(pilot, screen)

    assert snap_compare(screen.app, terminal_size=size, run_before=before)

"""The screens on terminals of all sizes: nothing that is needed is off the screen, and the list gets the room."""

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.pages import EventsWanted, QueueWanted
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.widgets.fitted import SMALLEST
from jobwarden.tui.widgets.log.half import LogHalf
from jobwarden.tui.widgets.prompt import FilterPrompt
from tests.tui.fakes import Screen, jobs, snapshot, window
from tests.tui.scenes import audit, dead_worker, queue
from tests.tui.test_jobs_screen import shown, table, text_of
from tests.tui.test_readable import SIZES, settled
from tests.tui.waiting import until

LONG = LogView(lines=tuple(f"line {number}" for number in range(60)))
ALL = pytest.mark.parametrize("size", [*SIZES, (SMALLEST.width, SMALLEST.height)])


async def full(pilot: Pilot[None], screen: Screen, news: Snapshot, log: LogView = LONG) -> list[str]:
    """A long list over a long log; the lines of the terminal."""
    screen.source.log = log
    screen.source.answers.update({QueueWanted(): queue(), EventsWanted(): audit()})
    await shown(pilot, screen, news, window(jobs(950, 120)))
    await settled(pilot)
    return text_of(screen).splitlines()


def rows(screen: Screen) -> int:
    """Rows of jobs on the screen."""
    return table(screen).size.height - 1


async def test_a_terminal_of_24_lines_shows_twelve_jobs_over_a_long_log() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        lines = await full(pilot, screen, dead_worker())
        assert rows(screen) >= 12
        assert sum(" alpha " in line or "PENDING" in line for line in lines) >= 12 and "line 59" in lines[-2]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("log", [LogView(lines=("one", "two")), LogView(), LogView(note="it never ran")])
async def test_the_log_is_as_tall_as_what_it_holds(size: tuple[int, int], log: LogView) -> None:
    screen = Screen()
    async with screen.app.run_test(size=size) as pilot:
        lines = await full(pilot, screen, snapshot(), log)
        half = screen.app.screen.query_one(LogHalf)
        assert half.size.height == 1 + len(log.lines)
        assert log.note in lines[-2 - len(log.lines)]


async def test_without_a_job_there_is_no_log() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, screen, snapshot(), window(()))
        await settled(pilot)
        assert not screen.app.screen.query_one(LogHalf).display
        assert rows(screen) == 18


@ALL
async def test_header_keys_and_what_is_typed_are_on_every_screen(size: tuple[int, int]) -> None:
    screen = Screen()
    async with screen.app.run_test(size=size) as pilot:
        await full(pilot, screen, dead_worker())
        for key in "12345":
            await pilot.press(key)
            await settled(pilot)
            lines = text_of(screen).splitlines()
            assert "workers" in lines[0] and "1 Jobs" in lines[2] and "q quit" in lines[-1], "\n".join(lines)
            await pilot.press("slash", *"xyz")
            await until(pilot, lambda: screen.app.screen.query_one(FilterPrompt).display)
            await settled(pilot)
            lines = text_of(screen).splitlines()
            assert any(line.startswith(" / xyz") for line in lines) and "q quit" in lines[-1], "\n".join(lines)
            await pilot.press("escape")
            await settled(pilot)


@ALL
async def test_a_command_is_one_line(size: tuple[int, int]) -> None:
    screen = Screen()
    async with screen.app.run_test(size=size) as pilot:
        await full(pilot, screen, dead_worker())
        await pilot.press("colon", *"export")
        await settled(pilot)
        lines = text_of(screen).splitlines()
        first = next(number for number, line in enumerate(lines) if ": export" in line)
        assert "export csv" in lines[first + 1] and "export json" in lines[first + 2], "\n".join(lines)


async def test_the_cursor_stays_on_the_screen_when_the_log_takes_its_part() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await full(pilot, screen, snapshot(), LogView())
        await pilot.press(*["j"] * 16)
        screen.source.deliver(replace(LONG, job_id=934))
        await settled(pilot)
        selected = table(screen).selected
        assert selected is not None and f" {selected.id} " in text_of(screen)

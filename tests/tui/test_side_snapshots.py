"""Pictures of the screens beside the list of jobs, on a narrow and a wide terminal, with a clock that stands still."""

import asyncio
from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from jobwarden.backend.queries.models.pages import EventsWanted, EvidenceWanted, QueueWanted
from tests.tui.fakes import Screen, detail, job, jobs, snapshot, window
from tests.tui.scenes import KINDS, audit, dead_worker, evidence, queue

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
Compare = Callable[..., bool]


def full() -> Screen:
    """A dashboard in the middle of an incident."""
    screen = Screen()
    screen.client.drained = {"alpha": False, "gamma": True}
    return screen


async def _after(pilot: Pilot[None], screen: Screen, *keys: str) -> None:
    """Give the read model what it is asked for, press the keys one by one, and let all be drawn."""
    screen.source.answers = {QueueWanted(): queue(), EventsWanted(): audit()}
    for number, _, _ in KINDS:
        screen.source.answers[EvidenceWanted(number)] = evidence(number)
    screen.source.details[946] = detail(job(946))
    for news in (dead_worker(), window(jobs(950, 100))):
        screen.source.deliver(news)
    await pilot.pause()
    for key in keys:
        await pilot.press(key)
        await asyncio.sleep(0.1)
        await pilot.pause()
    for line in screen.app.screen.query(Input):
        line.cursor_blink = False
    await pilot.pause()


CASES = {
    "orphans": ("2",),
    "nodes": ("3", "j", "j"),
    "queue": ("4",),
    "events": ("5",),
    "history": ("2", "enter", "right_square_bracket"),
    "processes": ("2", "enter", "right_square_bracket", "right_square_bracket"),
    "script": ("2", "enter", "left_square_bracket", "left_square_bracket"),
    "clean_up": ("2", "C"),
    "drain": ("3", "asterisk", "d"),
    "priority": ("4", "P"),
}

"""Keys that lead to a picture, by its name."""
ALSO = {"job": ("2", "enter"), "help": ("question_mark",), "commands": ("colon", "f"), "views": ("b",)}
"""Those that other files picture in the dark theme."""


@SIZES
@pytest.mark.parametrize("keys", CASES.values(), ids=CASES)
def test_side_screen(snap_compare: Compare, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    screen = full()

    async def before(pilot: Pilot[None]) -> None:
        await _after(pilot, screen, *keys)

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


@SIZES
@pytest.mark.parametrize("keys", [*CASES.values(), *ALSO.values()], ids=[*CASES, *ALSO])
def test_every_screen_in_the_light_theme(snap_compare: Compare, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    screen = full()

    async def before(pilot: Pilot[None]) -> None:
        screen.app.theme = "light"
        await _after(pilot, screen, *keys)

    assert snap_compare(screen.app, terminal_size=size, run_before=before)


@SIZES
def test_no_anomalies(snap_compare: Compare, size: tuple[int, int]) -> None:
    screen = full()

    async def before(pilot: Pilot[None]) -> None:
        await _after(pilot, screen, "2")
        screen.source.deliver(snapshot())
        await pilot.pause()

    assert snap_compare(screen.app, terminal_size=size, run_before=before)

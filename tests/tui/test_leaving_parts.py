"""Nothing reaches a part that has left the screen: the net under such messages (habits/safe.py) catches nothing."""

import asyncio
import logging
import random

import pytest
from textual import events
from textual.geometry import Size

from jobwarden.backend.logs.view import LogView
from tests.tui.fakes import Screen, detail, job, jobs, window
from tests.tui.scenes import dead_worker
from tests.tui.test_jobs_screen import shown
from tests.tui.test_readable import settled

ROUNDS = 30
LONGEST_GAP = 0.06
"""Seconds between two keys."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys", [("enter", "tab", "escape"), ("enter", "tab", "z", "escape", "escape")], ids=["job", "zoomed"]
)
async def test_opening_and_leaving_a_job_tells_nothing_to_what_is_gone(
    keys: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    gap, screen = random.Random(7), Screen()
    with caplog.at_level(logging.WARNING):
        async with screen.app.run_test(size=(100, 30)) as pilot:
            screen.source.log = LogView(lines=tuple(f"line {number}" for number in range(60)))
            screen.source.details = {number: detail(job(number)) for number in range(40, 51)}
            await shown(pilot, screen, dead_worker(), window(jobs(50, 9)))
            for _ in range(ROUNDS):
                for key in keys:
                    await pilot.press(key)
                    await asyncio.sleep(gap.uniform(0, LONGEST_GAP))
                screen.source.deliver(dead_worker())
            await settled(pilot)
    assert not [record.getMessage() for record in caplog.records]


WINDOWS: dict[str, tuple[str, ...]] = {
    "help": ("question_mark",), "views": ("b",), "commands": ("colon",), "palette": ("ctrl+p",), "job": ("enter",),
    "log": ("L",), "question": ("K",), "results": ("C", "enter"), "dry run": ("C", "ctrl+t"), "columns": ("v",),
    "orphans": ("2",), "nodes": ("3",), "queue": ("4",), "events": ("5",), "order": ("o",), "theme": ("w",),
}  # fmt: skip
"""Keys by what they bring up."""


@pytest.mark.parametrize("keys", WINDOWS.values(), ids=WINDOWS)
async def test_leaving_while_something_comes_up_is_no_error(
    keys: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """At every step of its coming: from then on nothing is put on the screen, and it is asked to end all the same."""
    with caplog.at_level(logging.WARNING):
        for steps in (0, 2, 5, 10, 20):
            screen = Screen()
            async with screen.app.run_test(size=(100, 30)) as pilot:
                screen.source.details = {number: detail(job(number)) for number in range(940, 951)}
                await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
                for key in keys[:-1]:
                    await pilot.press(key)
                    await settled(pilot)
                pilot.app.post_message(events.Key(keys[-1], None))
                for _ in range(steps):
                    await asyncio.sleep(0)
                screen.app.exit()
    assert not [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("keys", WINDOWS.values(), ids=WINDOWS)
async def test_news_and_other_sizes_are_no_error_while_something_comes_up_or_goes(
    keys: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """At every step of its coming and of its going."""
    screen = Screen()
    with caplog.at_level(logging.WARNING):
        async with screen.app.run_test(size=(100, 30)) as pilot:
            screen.source.details = {number: detail(job(number)) for number in range(940, 951)}
            await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
            for steps in (0, 1, 2, 3, 5, 8, 13, 21):
                for key in (*keys, "escape"):
                    pilot.app.post_message(events.Key(key, None))
                    for _ in range(steps):
                        await asyncio.sleep(0)
                    size = Size(100 - steps, 30 - steps % 5)
                    pilot.app.post_message(events.Resize(size, size))
                    screen.source.deliver(dead_worker())
                    screen.source.deliver(window(jobs(950 - steps, 9)))
                await settled(pilot)
                await pilot.press("escape", "1")
                await settled(pilot)
    assert not [record.getMessage() for record in caplog.records]

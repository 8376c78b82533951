"""No question acts that cannot be read: on a terminal that is too small, or typed before it was on the screen."""

import asyncio

import pytest
from textual import events
from textual.geometry import Size
from textual.pilot import Pilot

from jobwarden.tui.dialogs.confirm import Confirm
from jobwarden.tui.dialogs.dialog import UNREADABLE, ModalWindow
from jobwarden.tui.dialogs.results import ResultsDialog
from jobwarden.tui.dialogs.saved_views import ViewPicker
from jobwarden.tui.widgets.fitted import SMALLEST, too_small
from tests.tui.fakes import Screen, jobs, snapshot, window
from tests.tui.scenes import dead_worker
from tests.tui.test_jobs_screen import shown, text_of
from tests.tui.test_key_queue import burst
from tests.tui.waiting import asks, until

SIZES = [(40, 15), (60, 20), (80, 24), (120, 36), (200, 60)]
LOW = [(40, 10), (40, 12), (60, 10)]
"""Large enough for a list, too low for a question about several jobs."""


async def asked(pilot: Pilot[None], screen: Screen, *keys: str) -> ModalWindow[object]:
    """Ask what a clean-up of nine anomalies, or other keys, would do."""
    await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
    await pilot.press(*(keys or ("C",)))
    await until(pilot, lambda: isinstance(screen.app.screen, ModalWindow) and screen.app.screen.children)
    await settled(pilot)
    assert isinstance(screen.app.screen, ModalWindow)
    return screen.app.screen


async def settled(pilot: Pilot[None]) -> None:
    """Let whatever was asked for be laid out and drawn."""
    for _ in range(5):
        await pilot.pause(0.02)


@pytest.mark.parametrize("size", SIZES)
async def test_a_question_is_on_the_screen_as_a_whole_at_every_size(size: tuple[int, int]) -> None:
    screen = Screen()
    async with screen.app.run_test(size=size) as pilot:
        await asked(pilot, screen)
        text = " ".join(text_of(screen).replace("│", " ").split())
        for part in ("Clean up 9 jobs?", "clean it", "946 render-946", "reason for the audit", "Esc cancel"):
            assert part in text, text
        await pilot.press("enter")
        await until(pilot, lambda: screen.client.performed)


@pytest.mark.parametrize("size", LOW)
@pytest.mark.parametrize("key", ["enter", "ctrl+t", "ctrl+o"])
async def test_a_question_that_cannot_be_read_takes_no_key_but_escape(size: tuple[int, int], key: str) -> None:
    screen = Screen()
    screen.client.alive = {949}
    async with screen.app.run_test(size=size) as pilot:
        await asked(pilot, screen, *["space"] * 8, "F")
        question = screen.app.screen
        assert UNREADABLE in " ".join(text_of(screen).split())
        await pilot.press(key)
        await settled(pilot)
        assert screen.app.screen is question and not screen.client.performed and len(screen.client.scopes) == 1
        await pilot.press("escape")
        await until(pilot, lambda: screen.app.screen is not question)
    assert not screen.client.performed


async def test_a_question_that_becomes_too_small_waits_until_it_is_large_again() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        question = await asked(pilot, screen)
        await pilot.resize_terminal(80, 10)
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert not screen.client.performed and UNREADABLE in text_of(screen)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: question.drawn and UNREADABLE not in text_of(screen))
        await pilot.press("enter")
        await until(pilot, lambda: screen.client.performed)


async def test_a_list_to_choose_from_takes_nothing_that_cannot_be_read() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(50, 9)))
        await pilot.press("b")
        await until(pilot, lambda: asks(screen.app, ViewPicker))
        await pilot.resize_terminal(39, 10)
        await settled(pilot)
        await pilot.press("j", "enter")
        await settled(pilot)
        assert isinstance(screen.app.screen, ViewPicker)


@pytest.mark.parametrize("key", ["C", "K", "c"])
@pytest.mark.parametrize("pause", [None, 0, 0.005, 0.02, 0.05])
async def test_what_is_typed_before_the_question_was_drawn_does_nothing(key: str, pause: float | None) -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        enter = events.Key("enter", "\r")  # read now, given to the question when that has come
        burst(pilot, key)
        await until(pilot, lambda: isinstance(screen.app.screen, Confirm))
        if pause is not None:
            await asyncio.sleep(pause)
        pilot.app.post_message(enter)
        await until(pilot, lambda: asks(screen.app, Confirm))
        await settled(pilot)
        assert not screen.client.performed
        await pilot.press("enter")
        await until(pilot, lambda: screen.client.performed)


@pytest.mark.parametrize("key", ["C", "K", "c"])
async def test_whoever_reads_what_enter_does_is_not_refused(key: str) -> None:
    """However fast: what the keys do is on the screen only when they do it."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        burst(pilot, key)
        while not any(f"Esc {word}" in text_of(screen) for word in ("cancel", "go back")):
            await asyncio.sleep(0)
        pilot.app.post_message(events.Key("enter", "\r"))
        await until(pilot, lambda: screen.client.performed)


async def test_letters_typed_ahead_are_not_lost() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        burst(pilot, "K")
        await until(pilot, lambda: isinstance(screen.app.screen, Confirm) and screen.app.focused is not None)
        burst(pilot, "why")
        await until(pilot, lambda: getattr(screen.app.screen, "drawn", False))
        await pilot.press("enter")
        await until(pilot, lambda: screen.client.performed)
    assert screen.client.performed[0][2] == "why"


@pytest.mark.parametrize("opens", ["enter", "colon", "2", "b"])
async def test_below_the_smallest_size_only_q_and_escape_do_anything(opens: str) -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        await pilot.press(opens)
        await settled(pilot)
        before = screen.app.screen
        await pilot.resize_terminal(SMALLEST.width - 1, SMALLEST.height)
        await settled(pilot)
        assert "39x10, at least 40x10" in " ".join(text_of(screen).split())
        await pilot.press("1", "question_mark", "K", "enter", "j")
        await settled(pilot)
        assert screen.app.screen is before and not screen.client.scopes
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert "too small" not in text_of(screen)
        await pilot.resize_terminal(20, 5)
        await pilot.press("q")
        await until(pilot, lambda: not screen.app.is_running or screen.app._exit)


def test_the_smallest_size_is_enough() -> None:
    assert not too_small(SMALLEST) and too_small(Size(200, 9)) and too_small(Size(39, 50))


async def test_results_are_closed_by_a_key_that_came_after_them() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        question = await asked(pilot, screen)
        await pilot.press("enter")
        await until(pilot, lambda: asks(screen.app, ResultsDialog))
        assert screen.app.screen is not question
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(screen.app.screen, ResultsDialog))


async def test_ctrl_c_closes_a_window_and_then_quits() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, screen, dead_worker(), window(jobs(950, 9)))
        for key in ("question_mark", "b", "w"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(screen.app.screen, ModalWindow) and screen.app.screen.drawn)
            await pilot.press("ctrl+c")
            await until(pilot, lambda: not isinstance(screen.app.screen, ModalWindow))
            assert not screen.app._exit
        await pilot.press("ctrl+c")
        await until(pilot, lambda: screen.app._exit)

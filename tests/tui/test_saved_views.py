"""Views: a filter, an order and columns under a name, there again the next time."""

from textual.pilot import Pilot

from jobwarden.backend.queries.models.sort import Order
from jobwarden.tui.config.state import State
from jobwarden.tui.dialogs.saved_views import BUILT_IN, SavedViews, View, ViewPicker
from jobwarden.tui.widgets.table.rows import Sort
from tests.tui.fakes import Screen, jobs, window
from tests.tui.test_jobs_screen import shown, table, text_of
from tests.tui.waiting import asks, until

SIZE = (120, 40)


async def views(pilot: Pilot[None], screen: Screen) -> None:
    await pilot.press("b")
    await until(pilot, lambda: asks(screen.app, ViewPicker))
    await pilot.pause()


async def test_a_view_that_comes_along_sets_filter_and_order() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await views(pilot, screen)
        assert "failed today" in text_of(screen)
        await pilot.press("j", "j", "j", "enter")
        wanted = ("order", ("state:failed ended<1d", Order("ended", True)))
        await until(pilot, lambda: wanted in screen.source.asked)
        await until(pilot, lambda: "state:failed ended<1d" in text_of(screen))
        assert "by ended" in text_of(screen)


async def test_the_list_as_it_is_is_saved_and_opened_another_day() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.press("slash", *"account:alice", "enter")
        table(screen).order_by(Sort("name"))
        await pilot.press("w", "j", "space", "space", "enter")
        await until(pilot, lambda: not table(screen).screen.app.screen.is_modal)
        await views(pilot, screen)
        await pilot.press("s", *"my jobs", "enter", "escape")
        await until(pilot, lambda: not screen.app.screen.is_modal)
    again = Screen(state=State())
    SavedViews(again.app.state).save(SavedViews(screen.app.state).all()[0])
    async with again.app.run_test(size=SIZE) as pilot:
        await shown(pilot, again, window(jobs(50, 50)))
        await views(pilot, again)
        assert "★" in text_of(again)
        await pilot.press("enter")
        await until(pilot, lambda: ("order", ("account:alice", Order("name", False))) in again.source.asked)
        assert "STATE" not in [placed.column.title for placed in table(again).painter.placed]


async def test_own_views_are_deleted_and_those_that_come_along_are_not() -> None:
    screen = Screen()
    SavedViews(screen.app.state).save(View("mine", "state:held"))
    async with screen.app.run_test(size=SIZE) as pilot:
        await views(pilot, screen)
        await pilot.press("d", "d")
        await pilot.pause()
        assert "mine" not in text_of(screen)
    assert SavedViews(screen.app.state).all() == BUILT_IN


async def test_a_view_that_somebody_spoilt_in_the_file_is_said_or_left_out() -> None:
    screen = Screen()
    screen.app.state.put(
        "views", "jobs", {"bad": {"filter": "stat:x", "sort": ["id", True], "columns": None}, "worse": 3}
    )
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await views(pilot, screen)
        assert "worse" not in text_of(screen)
        await pilot.press("enter")
        await until(pilot, lambda: screen.app._notifications)
        [note] = screen.app._notifications
        assert "view bad" in note.message

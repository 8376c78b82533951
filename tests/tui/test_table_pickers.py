"""Choosing columns and the order of the jobs, from the keyboard; both are there again the next time."""

import pytest
from textual.pilot import Pilot

from jobwarden.backend.queries.jobs import compile_filter
from jobwarden.backend.queries.models.job_window import Hold
from jobwarden.backend.queries.models.sort import Order
from jobwarden.tui.dialogs.columns import ColumnPicker, OrderPicker
from jobwarden.tui.widgets.table.layout import Choice, Shown, from_plain, to_plain
from jobwarden.tui.widgets.table.rows import Sort
from tests.tui.fakes import Screen, jobs, snapshot, window
from tests.tui.test_jobs_screen import shown, table, text_of
from tests.tui.waiting import until

SIZE = (120, 40)


async def opened(pilot: Pilot[None], screen: Screen, key: str, kind: type) -> None:
    await shown(pilot, screen, snapshot(), window(jobs(50, 50)))
    await pilot.press(key)
    await until(pilot, lambda: isinstance(screen.app.screen, kind))
    await pilot.pause()


def titles(screen: Screen) -> list[str]:
    return [placed.column.title for placed in table(screen).painter.placed]


async def test_the_list_is_ordered_by_a_chosen_column() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen, "o", OrderPicker)
        assert "priority, higher starts first" in text_of(screen)
        await pilot.press(*["j"] * 7, "enter")
        await until(pilot, lambda: ("order", ("", Order("priority", True))) in screen.source.asked)
        await pilot.pause()
        assert "PRIO▼"[:4] in text_of(screen)
        assert "by prio" in text_of(screen)
        await pilot.press("O")
        await until(pilot, lambda: ("order", ("", Order("priority", False))) in screen.source.asked)


async def test_until_the_list_comes_the_bar_says_that_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        monkeypatch.setattr(screen.source, "deliver", lambda news: None)
        table(screen).order_by(Sort("name"))
        await until(pilot, lambda: "reading …" in text_of(screen))
        monkeypatch.undo()
        await shown(pilot, screen, window(jobs(5, 5), query=compile_filter("", Order("name", False))))
        await until(pilot, lambda: "reading …" not in text_of(screen))


async def test_columns_are_hidden_moved_and_widened_while_one_looks() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen, "w", ColumnPicker)
        before = titles(screen)
        await pilot.press("j", "space", "space")
        assert "STATE" not in titles(screen)
        await pilot.press("j", "j", "J", "plus", "plus")
        assert titles(screen).index("NAME") > titles(screen).index("ACCOUNT")
        width = next(placed.width for placed in table(screen).painter.placed if placed.column.title == "NAME")
        assert width == 16
        await pilot.press("escape")
        await until(pilot, lambda: titles(screen) == before)


async def test_chosen_columns_and_order_are_there_again() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen, "w", ColumnPicker)
        await pilot.press("j", "j", "space", "space", "enter")
        await until(pilot, lambda: not isinstance(screen.app.screen, ColumnPicker))
        table(screen).order_by(Sort("name"))
        await pilot.pause()
    again = Screen(state=screen.app.state)
    async with again.app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "NOTE" not in titles(again)
        assert table(again).sort == Sort("name")
        assert ("order", ("", Order("name", False))) in again.source.asked


def test_a_kept_layout_that_makes_no_sense_is_left_out() -> None:
    from jobwarden.tui.columns.jobs import JOB_COLUMNS

    kept = [["name", "always", 20], ["nosuch", "auto", 0], ["id", "sometimes", 1], "rubbish", ["age", "never", 9999]]
    layout = from_plain(kept, JOB_COLUMNS)
    assert layout[:2] == (Choice("name", Shown.ALWAYS, 20), Choice("age", Shown.NEVER, 120))
    assert {choice.name for choice in layout} == {column.name for column in JOB_COLUMNS}
    assert from_plain(to_plain(layout), JOB_COLUMNS) == layout


async def test_moving_and_pausing_hold_the_list_at_its_source() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.press("j")
        await until(pilot, lambda: ("hold", Hold.ORDER) in screen.source.asked)
        await pilot.press("p")
        await until(pilot, lambda: ("hold", Hold.ALL) in screen.source.asked)
        await shown(pilot, screen, window(jobs(50, 50), pending=4))
        assert "paused, 4 changes pending" in text_of(screen)
        await pilot.press("p")
        await until(pilot, lambda: screen.source.asked[-1] in (("hold", Hold.ORDER), ("hold", Hold.NONE)))


async def test_waiting_jobs_say_why_in_the_list() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 3), waiting={50: "for resources"}))
        assert "for resources" in next(line for line in text_of(screen).splitlines() if " 50 " in line)


async def test_marks_are_the_targets_and_everything_is_the_filter() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50), query=compile_filter("account:alice")))
        assert table(screen).targets().ids == (50,)
        await pilot.press("j", "space", "space")
        assert table(screen).targets().ids == (49, 48)
        assert "◆ 2 marked" in text_of(screen)
        await pilot.press("asterisk")
        targets = table(screen).targets()
        assert (targets.ids, targets.filter) == ((), "account:alice")
        await pilot.press("space")
        assert table(screen).targets().filter == "account:alice !id:47"
        await shown(pilot, screen, window(jobs(9, 9), query=compile_filter("state:failed")))
        assert table(screen).marks.count(9) == 0


async def test_marks_stay_when_rows_come_and_go() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, window(jobs(50, 50)))
        await pilot.press("j", "j", "space")
        await shown(pilot, screen, window(jobs(60, 60)))
        assert table(screen).targets().ids == (48,)
        assert next(line for line in text_of(screen).splitlines() if line.startswith("◆")).split()[1] == "48"

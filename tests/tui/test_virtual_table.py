"""The virtual table over a million rows: it draws what is on screen and nothing else."""

from dataclasses import dataclass, field
from datetime import datetime

from textual.app import App, ComposeResult

from jobwarden.tui.widgets.table.columns import Cell, Column
from jobwarden.tui.widgets.table.virtual import HEADER, VirtualTable
from tests.tui.fakes import NOW

MILLION = 1_000_000
LOADED = 400


@dataclass(frozen=True)
class Item:
    id: int
    version: int = 0


@dataclass
class Stretch:
    """Rows ``first`` to ``first + 400`` of a million; counts what is asked for."""

    first: int = 0
    total: int = MILLION
    changed: frozenset[int] = frozenset()
    drawn: list[int] = field(default_factory=list)

    def row_at(self, line: int) -> Item | None:
        if not self.first <= line < min(self.total, self.first + LOADED):
            return None
        return Item(MILLION - line, int(MILLION - line in self.changed))

    def line_of(self, job_id: int) -> int | None:
        line = MILLION - job_id
        return line if self.row_at(line) else None


class Tables(App[None]):
    """One table, with the lines it asked for and the rows it drew."""

    def __init__(self, lines: Stretch) -> None:
        super().__init__()
        self.lines = lines
        self.viewports: list[tuple[int, int]] = []
        self.drawn: list[int] = []

    def compose(self) -> ComposeResult:
        def cell(row: Item, _: object) -> Cell:
            self.drawn.append(row.id)
            return Cell(str(row.id))

        columns = (Column("id", "ID", 8, 0, cell),)
        yield VirtualTable(columns, self.lines, lambda: NOW)

    def on_mount(self) -> None:
        self.query_one(VirtualTable).apply(self.lines)
        self.query_one(VirtualTable).focus()

    def on_virtual_table_viewport(self, message: VirtualTable.Viewport) -> None:
        self.viewports.append((message.first, message.last))


async def test_of_a_million_rows_only_those_on_screen_are_drawn() -> None:
    app = Tables(Stretch())
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        assert set(app.drawn) == set(range(MILLION, MILLION - (20 - HEADER), -1))


async def test_a_row_is_drawn_again_only_when_its_version_changes() -> None:
    app = Tables(Stretch())
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        table = app.query_one(VirtualTable)
        app.drawn.clear()
        table.apply(Stretch())
        await pilot.pause()
        assert app.drawn == []
        table.apply(Stretch(changed=frozenset({MILLION - 3})))
        await pilot.pause()
        assert set(app.drawn) == {MILLION - 3}


async def test_the_end_of_a_million_rows_asks_for_its_lines_and_shows_them_when_they_come() -> None:
    app = Tables(Stretch())
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.press("G")
        await pilot.pause()
        table = app.query_one(VirtualTable)
        assert app.viewports[-1][1] == MILLION
        assert table.cursor_line == MILLION - 1
        table.apply(Stretch(first=MILLION - LOADED))
        await pilot.pause()
        assert table.selected == Item(1)


async def test_more_rows_than_lines_never_scroll_past_the_end() -> None:
    app = Tables(Stretch(total=25))
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.press("pagedown", "pagedown", "pagedown", "down")
        table = app.query_one(VirtualTable)
        assert table.cursor_line == 24
        assert table.first_line + table.page == 25


async def test_the_clock_alone_redraws_what_ticks() -> None:
    moments = iter([NOW, datetime(2027, 1, 1, tzinfo=NOW.tzinfo)])
    now = [next(moments)]
    app = Tables(Stretch(total=3))
    async with app.run_test(size=(40, 20)) as pilot:
        table = app.query_one(VirtualTable)
        table._clock = lambda: now[0]
        app.drawn.clear()
        now[0] = next(moments)
        table.refresh()
        await pilot.pause()
        assert sorted(app.drawn) == [MILLION - 2, MILLION - 1, MILLION]

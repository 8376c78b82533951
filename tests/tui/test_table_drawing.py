"""What of a table is drawn anew, and in how many pieces: what a key and a change cost."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Region

from jobwarden.tui.widgets.table.columns import Cell, Column, Moment, Placed
from jobwarden.tui.widgets.table.paint import KEPT, Painter, RowAppearance, TableStyles
from jobwarden.tui.widgets.table.rows import StaticRows
from jobwarden.tui.widgets.table.virtual import VirtualTable

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
STYLES = {"base": Style(color="white"), "cursor": Style(reverse=True), "failed": Style(color="red")}


@dataclass(frozen=True)
class Item:
    id: int
    text: str = "same"


def _columns(role: str = "") -> tuple[Column[Item], ...]:
    return (
        Column("id", "ID", 6, 0, lambda row, _: Cell(str(row.id))),
        Column("text", "TEXT", 6, 0, lambda row, _: Cell(row.text, role)),
        Column("more", "MORE", 6, 0, lambda row, moment: Cell(moment.flags.get(row.id, row.text))),
    )


def _painter(role: str = "") -> Painter[Item]:
    painter: Painter[Item] = Painter(TableStyles(STYLES.__getitem__))
    painter.place(tuple(Placed(column, column.width) for column in _columns(role)))
    return painter


def test_neighbours_of_one_style_are_one_piece() -> None:
    plain = _painter().row(Item(1), RowAppearance(1, False, False, 0), Moment(NOW), 30)
    assert [segment.text for segment in plain] == [" 1      same   same           "]
    coloured = _painter("failed").row(Item(1), RowAppearance(1, False, False, 0), Moment(NOW), 30)
    assert [segment.text for segment in coloured] == [" 1      ", "same  ", " same           "]
    under_cursor = _painter("failed").row(Item(1), RowAppearance(1, True, False, 0), Moment(NOW), 30)
    assert len(list(under_cursor)) == 1


@pytest.mark.parametrize("width", [5, 20, 21, 22, 23, 40])
def test_a_line_is_exactly_as_wide_as_the_table(width: int) -> None:
    strip = _painter("failed").row(Item(1), RowAppearance(1, False, False, 0), Moment(NOW), width)
    assert strip.cell_length == sum(len(segment.text) for segment in strip) == width


def test_a_changed_row_is_drawn_once_for_each_change() -> None:
    painter = _painter()
    look: RowAppearance[Item] = RowAppearance(1, False, False, 0)
    first = painter.row(Item(1), look, Moment(NOW), 30)
    second = painter.row(Item(1, "other"), look, Moment(NOW), 30)
    assert "other" in second.text
    assert second is not first
    assert painter.row(Item(1, "other"), look, Moment(NOW), 30) is second


def test_a_line_of_another_width_is_drawn_anew() -> None:
    painter = _painter()
    look: RowAppearance[Item] = RowAppearance(1, False, False, 0)
    assert [painter.row(Item(1), look, Moment(NOW), width).cell_length for width in (40, 38)] == [40, 38]


def test_only_so_many_lines_are_kept() -> None:
    painter = _painter()
    for number in range(KEPT + 10):
        painter.row(Item(number), RowAppearance(number, False, False, 0), Moment(NOW), 30)
    assert len(painter._strips) <= KEPT


class Table(VirtualTable[Item]):
    """Remembers which lines were to be drawn anew."""

    def __init__(self) -> None:
        super().__init__(_columns(), clock=lambda: NOW)
        self.refreshed: list[int] = []

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        self.refreshed += [line for region in regions for line in range(region.y, region.bottom)]
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self


class Tables(App[None]):
    def compose(self) -> ComposeResult:
        yield Table()


def _rows(*changed: int) -> StaticRows[Item]:
    items = (Item(number, "other" if number in changed else "same") for number in range(100))
    return StaticRows(items, lambda row: row.id)


async def test_only_the_lines_that_look_different_are_drawn_anew() -> None:
    async with Tables().run_test(size=(40, 20)) as pilot:
        table = pilot.app.query_one(Table)
        table.apply(_rows())
        await pilot.pause()
        table.redraw()
        await pilot.pause()
        table.refreshed.clear()
        table.apply(_rows(2, 7, 60))
        await pilot.pause()
        assert table.refreshed == [3, 8]
        table.refreshed.clear()
        table.apply(_rows(2, 7))
        table.redraw()
        assert table.refreshed == []
        table.flag({0: "LOST"})
        assert table.refreshed == [1]


async def test_a_step_of_the_cursor_draws_two_lines() -> None:
    async with Tables().run_test(size=(40, 20)) as pilot:
        table = pilot.app.query_one(Table)
        table.apply(_rows())
        table.focus()
        await pilot.press("j", "j")
        await pilot.pause()
        table.refreshed.clear()
        await pilot.press("j")
        await pilot.pause()
        assert table.refreshed == [3, 4]


async def test_what_was_computed_of_a_line_is_kept_while_it_stays_the_same() -> None:
    async with Tables().run_test(size=(40, 20)) as pilot:
        table = pilot.app.query_one(Table)
        table.apply(_rows())
        await pilot.pause()
        area = Region(0, 0, 40, 5)
        before = table.render_lines(area)
        table.apply(_rows(2))
        after = table.render_lines(area)
        assert [now is then for now, then in zip(after, before, strict=True)] == [True, True, True, False, True]
        assert [strip.cell_length for strip in table.render_lines(Region(3, 1, 10, 2))] == [10, 10]

"""Tables over lists that are held as a whole: sorting, marks, a pause."""

from dataclasses import dataclass, replace

import pytest
from textual.app import App, ComposeResult

from jobwarden.backend.queries.models.job_window import Hold
from jobwarden.tui.widgets.table.columns import Cell, Column
from jobwarden.tui.widgets.table.marks import BarStatus, Marks
from jobwarden.tui.widgets.table.rows import Sort, hold_back
from jobwarden.tui.widgets.table.virtual import VirtualTable
from tests.tui.fakes import NOW


@dataclass(frozen=True)
class Node:
    name: str
    cpus: int | None


COLUMNS: tuple[Column[Node], ...] = (
    Column("name", "NAME", 8, 0, lambda node, _: Cell(node.name), sort=lambda node: node.name),
    Column("cpus", "CPU", 4, 0, lambda node, _: Cell(str(node.cpus or "")), right=True, sort=lambda node: node.cpus),
)
NODES = (Node("beta", 4), Node("alpha", None), Node("gamma", 16), Node("delta", 8))


class Nodes(App[None]):
    """One table of nodes, known by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[BarStatus] = []

    def compose(self) -> ComposeResult:
        yield VirtualTable(COLUMNS, clock=lambda: NOW, key=lambda node: node.name, empty=[("no nodes", "dim")])

    def on_mount(self) -> None:
        self.table.show_rows(NODES)
        self.table.focus()

    @property
    def table(self) -> VirtualTable[Node]:
        return self.query_one(VirtualTable)

    def names(self) -> list[str]:
        """The names in the order shown."""
        lines = self.table._lines
        return [row.name for line in range(lines.total) if (row := lines.row_at(line))]

    def on_virtual_table_changed(self, message: VirtualTable.Changed) -> None:
        self.statuses.append(message.status)

    def text(self) -> str:
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def test_rows_are_sorted_by_any_column_in_both_directions_and_those_without_a_value_are_last() -> None:
    app = Nodes()
    async with app.run_test(size=(40, 10)):
        assert app.names() == ["beta", "alpha", "gamma", "delta"]
        app.table.order_by(Sort("cpus"))
        assert app.names() == ["beta", "delta", "gamma", "alpha"]
        app.table.order_by(Sort("cpus", descending=True))
        assert app.names() == ["gamma", "delta", "beta", "alpha"]
        app.table.show_rows((*NODES, Node("epsilon", 12)))
        assert app.names() == ["gamma", "epsilon", "delta", "beta", "alpha"]


async def test_a_click_on_a_title_sorts_and_the_title_says_so() -> None:
    app = Nodes()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.click(VirtualTable, offset=(2, 0))
        await pilot.pause()
        assert app.names() == ["alpha", "beta", "delta", "gamma"]
        assert "NAME▲" in app.text()
        await pilot.click(VirtualTable, offset=(2, 0))
        await pilot.pause()
        assert app.names() == ["gamma", "delta", "beta", "alpha"]
        assert "NAME▼" in app.text()
        await pilot.press("O")
        assert app.names() == ["alpha", "beta", "delta", "gamma"]


async def test_nothing_to_show_says_so() -> None:
    app = Nodes()
    async with app.run_test(size=(40, 10)) as pilot:
        app.table.show_rows(())
        await pilot.pause()
        assert "no nodes" in app.text()


async def test_marks_stay_on_their_rows_whatever_the_order() -> None:
    app = Nodes()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("space", "space")
        assert app.table.target_keys() == ("beta", "alpha")
        app.table.order_by(Sort("name"))
        await pilot.pause()
        assert app.table.target_keys() == ("alpha", "beta")
        marked = [line for line in app.text().splitlines() if line.startswith("◆")]
        assert [line.split()[0] for line in marked] == ["◆alpha", "◆beta"]
        assert app.statuses[-1].marked == 2


async def test_without_marks_the_target_is_under_the_cursor_and_unmarking_goes_back_to_it() -> None:
    app = Nodes()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("j")
        assert app.table.target_keys() == ("alpha",)
        await pilot.press("space", "space")
        assert app.table.target_keys() == ("alpha", "gamma")
        await pilot.press("u")
        assert app.table.target_keys() == ("delta",)


@pytest.mark.parametrize(
    ("keys", "marked"),
    [
        (["V", "j", "j", "V", "j"], {"beta", "alpha", "gamma"}),
        (["V", "j", "j", "k", "space", "j"], {"beta", "alpha"}),
        (["G", "V", "k"], {"delta", "gamma"}),
        (["shift+down", "shift+down"], {"beta", "alpha", "gamma"}),
        (["G", "shift+up"], {"delta", "gamma"}),
        (["space", "k", "space"], set()),
    ],
)
async def test_ranges(keys: list[str], marked: set[str]) -> None:
    app = Nodes()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press(*keys)
        assert app.table.marks.keys == marked


async def test_everything_but_one() -> None:
    app = Nodes()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("asterisk")
        assert app.table.status().marked == 4
        await pilot.press("j", "space")
        assert app.table.status().marked == 3
        assert "alpha" not in app.table.marks
        assert "delta" in app.table.marks


def test_everything_is_a_filter_not_a_list() -> None:
    assert Marks(everything=True, filter="state:failed").scope_filter() == "state:failed"
    assert Marks(frozenset({9, 11}), everything=True, filter="").scope_filter() == "!id:11,9"


async def test_while_the_cursor_moves_rows_change_where_they_stand() -> None:
    app = Nodes()
    async with app.run_test(size=(40, 10)) as pilot:
        app.table.order_by(Sort("cpus"))
        await pilot.press("j")
        assert app.table.hold is Hold.ORDER
        app.table.show_rows([replace(NODES[0], cpus=99), *NODES[2:], Node("epsilon", 1)])
        assert app.names() == ["beta", "delta", "gamma", "alpha"]
        assert app.table._lines.row_at(0) == Node("beta", 99)
        assert app.table.pending == 2
        app.table._stands_still()
        assert app.names() == ["epsilon", "delta", "gamma", "beta"]
        assert app.table.pending == 0


async def test_a_pause_holds_back_everything_and_counts_it() -> None:
    app = Nodes()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("p")
        app.table.show_rows([replace(NODES[0], cpus=99), *NODES[2:]])
        await pilot.pause()
        assert app.names() == ["beta", "alpha", "gamma", "delta"]
        assert app.table._lines.row_at(0) == NODES[0]
        assert (app.statuses[-1].paused, app.statuses[-1].pending) == (True, 2)
        await pilot.press("p")
        assert app.names() == ["beta", "gamma", "delta"]
        assert not app.table.status().paused


def test_what_is_held_back() -> None:
    before, after = [("a", 1), ("b", 1), ("c", 1)], [("d", 1), ("c", 1), ("a", 2)]

    def key(row: tuple[str, int]) -> str:
        return row[0]

    assert hold_back(before, after, key, Hold.NONE).rows == after
    order = hold_back(before, after, key, Hold.ORDER)
    assert (list(order.rows), order.pending) == ([("a", 2), ("b", 1), ("c", 1)], 2)
    everything = hold_back(before, after, key, Hold.ALL)
    assert (list(everything.rows), everything.pending) == (before, 3)

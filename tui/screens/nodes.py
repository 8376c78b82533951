"""The nodes: liveness, capacity, and whether they take jobs."""

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from backend.readmodel.snapshot import Snapshot
from tui.acting.nodes import NodeDeed
from tui.columns.nodes import NODE_COLUMNS, NodeRow, node_rows
from tui.keys.acts import UNDO
from tui.keys.model import bindings
from tui.keys.nodes import NODES
from tui.keys.panes import PANE
from tui.keys.table import MARK, TABLE
from tui.panes.node import node_pane
from tui.screens.listing import ListScreen
from tui.source import News
from tui.widgets.facts.facts import Pane, plain
from tui.widgets.lists.table import ListTable

NOBODY = [
    ("no worker has joined yet", "plain"),
    ("", "dim"),
    ("start one on this machine with", "dim"),
    ("", "dim"),
    ("jobwarden up --no-tui", "good"),
]


class NodesScreen(ListScreen):
    """One line for each node, and one for a former worker of it that has jobs left."""

    BINDINGS = bindings(NODES, UNDO, PANE)
    NAME = "nodes"
    GROUPS: ClassVar = (TABLE, MARK, NODES, UNDO, PANE)
    COLUMNS = NODE_COLUMNS

    def pane(self) -> ComposeResult:
        """All about the node under the cursor."""
        yield Pane("", classes="pane-title", id="node-title")
        with VerticalScroll(classes="pane-scroll", id="node"):
            yield Pane("")

    def take(self, news: News) -> None:
        """Take what the read model delivered."""
        if isinstance(news, Snapshot):
            self.table.empty = NOBODY if news.loaded else [("loading …", "dim")]
            self.table.show_rows(node_rows(news.workers))
            self._draw()

    def on_virtual_table_selected(self, message: ListTable.Selected) -> None:
        """Show another node."""
        self._draw()

    def _draw(self) -> None:
        selected = self.table.selected
        for part in ("#node", "#node-title"):
            self.query_one(part).display = isinstance(selected, NodeRow)
        if isinstance(selected, NodeRow):
            title = Text(f" Node {plain(selected.worker.node_name)}", style="bold")
            self.query_one("#node-title", Pane).show(title)
            pane = self.query_one("#node Pane", Pane)
            pane.show(node_pane(selected.worker, self.desk.clock(), pane.styles_of_roles()))

    def job_of(self, row: Any) -> int | None:
        """A node is no job."""
        return None

    def action_node(self, name: str) -> None:
        """Drain or resume the marked nodes, else the one under the cursor."""
        names = self.chosen_nodes()
        if names:
            self.begin(NodeDeed(name, names))

    def chosen_nodes(self) -> tuple[str, ...]:
        """Return the marked nodes, else the one under the cursor."""
        rows: tuple[NodeRow, ...] = self.table.marked_rows()
        return tuple(dict.fromkeys(row.worker.node_name for row in rows))

    def on_virtual_table_opened(self) -> None:
        """Show the jobs of the node."""
        names = self.chosen_nodes()
        if names:
            self.desk.source.show(f"node:{names[0]} state:running,starting")
            self.app.switch_mode("jobs")

"""The nodes: liveness, capacity, and whether they take jobs."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from jobwarden.backend.domain.filters.completion import NODES as NODE_GRAMMAR
from jobwarden.backend.domain.filters.simple import node_matches, parse_node_filter
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.backend.queries.workers import NodeRow, node_rows
from jobwarden.tui.actions.screen_actions import NodeAction
from jobwarden.tui.columns.nodes import NODE_COLUMNS
from jobwarden.tui.keys.bindings import FILTER, MARK, NODES, PANE, TABLE, UNDO
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.panels.node import node_pane
from jobwarden.tui.screens.base.list import ListScreen
from jobwarden.tui.text import Text
from jobwarden.tui.widgets.facts import Pane
from jobwarden.tui.widgets.table.bar import none_matches
from jobwarden.tui.widgets.table.cursor import Message_
from jobwarden.tui.widgets.table.list import ListTable

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
    GROUPS: ClassVar = (TABLE, MARK, FILTER, NODES, UNDO, PANE)
    GRAMMAR = NODE_GRAMMAR
    COLUMNS = NODE_COLUMNS

    def pane(self) -> ComposeResult:
        """All about the node under the cursor."""
        yield Pane("", classes="pane-title", id="node-title")
        with VerticalScroll(classes="pane-scroll", id="node"):
            yield Pane("")

    def take(self, news: News) -> None:
        """Take what the read model delivered."""
        super().take(news)
        if isinstance(news, Snapshot):
            self.relist()
            self._draw()

    def check_filter(self, text: str) -> None:
        """Raise InputError for a filter that says nothing sensible."""
        parse_node_filter(text)

    def relist(self) -> None:
        """Show the nodes that match."""
        terms = parse_node_filter(self._filter)
        rows = node_rows(self.snapshot.workers)
        self.table.empty = self._nothing()
        self.table.show_rows(
            tuple(row for row in rows if node_matches(terms, row.worker)), hidden=[row.id for row in rows]
        )

    def _nothing(self) -> Message_:
        if not self.snapshot.loaded:
            return [("loading …", "dim")]
        return none_matches("node", self._filter) if self._filter else NOBODY

    def on_virtual_table_selected(self, message: ListTable.Selected) -> None:
        """Show another node."""
        self._draw()

    def _draw(self) -> None:
        selected = self.table.selected
        for part in ("#node", "#node-title"):
            self.query_one(part).display = isinstance(selected, NodeRow)
        if isinstance(selected, NodeRow):
            title = Text(f" Node {selected.worker.node_name}", style="bold")
            self.query_one("#node-title", Pane).show(title)
            pane = self.query_one("#node Pane", Pane)
            pane.show(node_pane(selected.worker, self.context.clock(), pane.styles_of_roles()))

    def job_of(self, row: Any) -> int | None:
        """A node is no job."""
        return None

    def action_node(self, name: str) -> None:
        """Drain or resume the marked nodes, else the one under the cursor."""
        names = self.chosen_nodes()
        if names:
            self.begin(NodeAction(name, names))

    def chosen_nodes(self) -> tuple[str, ...]:
        """Return the marked nodes, else the one under the cursor."""
        rows: tuple[NodeRow, ...] = self.table.marked_rows()
        return tuple(dict.fromkeys(row.worker.node_name for row in rows))

    def on_virtual_table_opened(self) -> None:
        """Show the jobs of the node."""
        names = self.chosen_nodes()
        if names:
            way = self.context.way
            way.screen, way.filter = self.NAME, f"node:{names[0]} state:running,starting"
            self.context.source.show(way.filter)
            self.app.switch_mode("jobs")

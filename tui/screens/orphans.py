"""The anomalies, worst first, with the evidence about the one under the cursor."""

from collections.abc import Callable
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from backend.readmodel.records import AnomalyRow
from backend.readmodel.snapshot import Snapshot
from backend.readmodel.trees import EvidenceView
from backend.readmodel.wanted import EvidenceWanted, Wanted
from tui.columns.orphans import ORPHAN_COLUMNS
from tui.desk import Desk
from tui.keys.acts import ACT, UNDO
from tui.keys.model import bindings
from tui.keys.panes import PANE
from tui.keys.table import MARK, TABLE
from tui.panes.evidence import evidence_pane
from tui.screens.listing import ListScreen
from tui.source import News
from tui.widgets.facts.facts import Pane, plain
from tui.widgets.lists.table import ListTable

CLEAR = [("no anomalies", "good"), ("", "dim"), ("every job that should run does, and nothing else of a job", "dim")]


class OrphansScreen(ListScreen):
    """What a person must look at: what is wrong, why that is known, and what clean-up would do."""

    BINDINGS = bindings(ACT, UNDO, PANE)
    NAME = "orphans"
    GROUPS: ClassVar = (TABLE, MARK, ACT, UNDO, PANE)
    COLUMNS = ORPHAN_COLUMNS

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._evidence: EvidenceView | None = None

    def pane(self) -> ComposeResult:
        """The evidence."""
        yield Pane("", classes="pane-title", id="evidence-title")
        with VerticalScroll(classes="pane-scroll", id="evidence"):
            yield Pane("")

    def key_of(self) -> Callable[[Any], int]:
        """Anomalies go by their job."""
        return lambda row: int(row.job_id)

    def job_of(self, row: AnomalyRow) -> int | None:
        """Return the job of an anomaly."""
        return row.job_id

    def wants(self) -> tuple[Wanted, ...]:
        """The evidence about the job under the cursor."""
        selected = self.selected_id()
        return () if selected is None else (EvidenceWanted(selected),)

    def take(self, news: News) -> None:
        """Take what the read model delivered."""
        if isinstance(news, Snapshot):
            self.table.empty = CLEAR if news.loaded else [("loading …", "dim")]
            # A job with two wrong attempts is one line, under the worse of the two.
            self.table.show_rows(tuple({row.job_id: row for row in reversed(news.anomalies)}.values())[::-1])
            self._draw()
        elif isinstance(news, EvidenceView) and news.job_id == self.selected_id():
            self._evidence = news
            self._draw()

    def on_virtual_table_selected(self, message: ListTable.Selected) -> None:
        """Look at the evidence about another job."""
        if self._evidence is not None and self._evidence.job_id != self.selected_id():
            self._evidence = None
        self._draw()
        self.ask()

    def _draw(self) -> None:
        selected = self.table.selected
        for part in ("#evidence", "#evidence-title"):
            self.query_one(part).display = isinstance(selected, AnomalyRow)
        if isinstance(selected, AnomalyRow):
            title = Text(f" Job {selected.job_id}  {plain(selected.job_name)}", style="bold")
            self.query_one("#evidence-title", Pane).show(title)
            pane = self.query_one("#evidence Pane", Pane)
            known = self._evidence if self._evidence and self._evidence.job_id == selected.job_id else None
            pane.show(evidence_pane(selected, known, pane.styles_of_roles()))

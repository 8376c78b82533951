"""The anomalies, worst first, with the evidence about the one under the cursor."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from jobwarden.backend.domain.filters.completion import ANOMALIES
from jobwarden.backend.domain.filters.jobs import parse_filter
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries.models.jobs import AnomalyRow
from jobwarden.backend.queries.models.pages import EvidenceWanted, JobMatches, MatchesWanted, Wanted
from jobwarden.backend.queries.models.processes import EvidenceView
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.columns.lists import ORPHAN_COLUMNS
from jobwarden.tui.context import ScreenContext
from jobwarden.tui.keys.bindings import ACT, FILTER, MARK, PANE, TABLE, UNDO
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.panels.evidence import evidence_pane
from jobwarden.tui.screens.base.list import ListScreen
from jobwarden.tui.text import Text
from jobwarden.tui.widgets.facts import Pane
from jobwarden.tui.widgets.table.bar import none_matches
from jobwarden.tui.widgets.table.cursor import Message_
from jobwarden.tui.widgets.table.list import ListTable

CLEAR = [("no anomalies", "good"), ("", "dim"), ("no job's record and processes disagree", "dim")]


class OrphansScreen(ListScreen):
    """What a person must look at: what is wrong, why that is known, and what clean-up would do."""

    BINDINGS = bindings(ACT, UNDO, PANE)
    NAME = "orphans"
    GROUPS: ClassVar = (TABLE, MARK, FILTER, ACT, UNDO, PANE)
    GRAMMAR = ANOMALIES
    COLUMNS = ORPHAN_COLUMNS

    def __init__(self, context: ScreenContext) -> None:
        super().__init__(context)
        self._evidence: EvidenceView | None = None
        self._anomalies: tuple[AnomalyRow, ...] = ()
        self._matches: JobMatches | None = None

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
        """The evidence about the job under the cursor, and which jobs match."""
        selected = self.selected_id()
        evidence = () if selected is None else (EvidenceWanted(selected),)
        return (*evidence, self._question()) if self._filter else evidence

    def _question(self) -> MatchesWanted:
        return MatchesWanted(self._filter, tuple((row.job_id, row.kind) for row in self._anomalies))

    def take(self, news: News) -> None:
        """Take what the read model delivered."""
        super().take(news)
        if isinstance(news, Snapshot):
            before = self._question()
            # A job with two wrong attempts is one line, under the worse of the two.
            self._anomalies = tuple({row.job_id: row for row in reversed(news.anomalies)}.values())[::-1]
            self._list()
            if self._filter and self._question() != before:
                self.ask()
        elif isinstance(news, JobMatches) and news.wanted.filter == self._filter:
            self._matches = news
            self._list()
        elif isinstance(news, EvidenceView) and news.job_id == self.selected_id():
            self._evidence = news
            self._draw()

    def check_filter(self, text: str) -> None:
        """Raise InputError for a filter that says nothing sensible."""
        parse_filter(text, anomalies=True)

    def relist(self) -> None:
        """Ask which anomalies match; until that is known none is shown."""
        self._matches = None
        self._list()
        self.ask()

    def _list(self) -> None:
        """Show the anomalies that match, as far as is known: one that has just come is not yet judged."""
        rows = self._anomalies
        if self._filter:
            known = self._matches.ids if self._matches is not None else frozenset()
            rows = tuple(row for row in rows if row.job_id in known)
        self.table.empty = self._nothing()
        self.table.show_rows(rows, hidden=[row.job_id for row in self._anomalies])
        self._draw()

    def _nothing(self) -> Message_:
        if not self.snapshot.loaded:
            return [("loading …", "dim")]
        if not self._filter:
            return CLEAR
        return none_matches("anomaly", self._filter) if self._matches is not None else [("reading …", "dim")]

    def to_clean(self) -> Iterable[int]:
        """What is listed: a filter hides nothing that is cleaned up."""
        return (row.job_id for row in self.table.listed)

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
            title = Text(f" Job {selected.job_id}  {selected.job_name}", style="bold")
            self.query_one("#evidence-title", Pane).show(title)
            pane = self.query_one("#evidence Pane", Pane)
            known = self._evidence if self._evidence and self._evidence.job_id == selected.job_id else None
            pane.show(evidence_pane(selected, known, pane.styles_of_roles()))

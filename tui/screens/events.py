"""The audit: who did what, when and why; live at the top, older pages as one goes down."""

from typing import ClassVar

from jobwarden.backend.domain.filters.completion import EVENTS as EVENT_GRAMMAR
from jobwarden.backend.domain.filters.simple import parse_event_filter
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries.models.jobs import EventRow
from jobwarden.backend.queries.models.pages import EventsPage, EventsWanted, Wanted
from jobwarden.tui.columns.lists import EVENT_COLUMNS
from jobwarden.tui.context import ScreenContext
from jobwarden.tui.keys.bindings import EVENTS, FILTER, TABLE
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.screens.base.list import ListScreen
from jobwarden.tui.widgets.table.bar import could_not_run, none_matches
from jobwarden.tui.widgets.table.cursor import Message_
from jobwarden.tui.widgets.table.list import ListTable

KEPT = 20_000
"""Events that are held; who goes down further starts again at the newest with a filter."""
AHEAD = 50
"""Lines before the end of what is held at which the next page is asked for."""


class EventsScreen(ListScreen):
    """A list that grows at both ends: new events above, older pages below."""

    BINDINGS = bindings(EVENTS)
    NAME = "events"
    GROUPS: ClassVar = (TABLE, FILTER, EVENTS)
    GRAMMAR = EVENT_GRAMMAR
    COLUMNS = EVENT_COLUMNS

    def __init__(self, context: ScreenContext) -> None:
        super().__init__(context)
        self._rows: dict[int, EventRow] = {}
        self._older: EventsWanted | None = None
        self._more = False

    def wants(self) -> tuple[Wanted, ...]:
        """The newest page, and the older one that is being waited for."""
        newest = EventsWanted(self._filter)
        return (newest,) if self._older is None else (newest, self._older)

    def job_of(self, row: EventRow) -> int | None:
        """Return the job that an event is about; none for an event of a node."""
        return row.job_id

    def take(self, news: News) -> None:
        """Take a page."""
        super().take(news)
        if not isinstance(news, EventsPage) or news.wanted.filter != self._filter:
            return
        if news.wanted == self._older or not self._rows:
            self._more = news.more
        if news.wanted == self._older:
            self._older = None
            self.ask()
        self._rows |= {row.id: row for row in news.rows}
        self._show(news.error)

    def _show(self, error: str = "") -> None:
        self.table.empty = self._nothing(error)
        # Ids are given at insert: one that was committed late takes its place among those already shown.
        self.table.show_rows(tuple(self._rows[number] for number in sorted(self._rows, reverse=True)))

    def _nothing(self, error: str) -> Message_:
        if error:
            return could_not_run(error)
        if self._filter:
            return none_matches("event", self._filter)
        return [("no events yet", "plain")]

    def on_virtual_table_changed(self, message: ListTable.Changed) -> None:
        """Fetch the next page in time; say which filter holds."""
        lowest = min(self._rows, default=0)
        near = message.status.line >= len(self._rows) - AHEAD
        if near and self._more and self._older is None and len(self._rows) < KEPT:
            self._older = EventsWanted(self._filter, below=lowest)
            self.ask()

    def action_only_job(self) -> None:
        """Show only the events of the job under the cursor."""
        job_id = self.selected_id()
        if job_id is not None:
            self.filter_by(f"job:{job_id}")

    def check_filter(self, text: str) -> None:
        """Raise InputError for a filter that says nothing sensible."""
        parse_event_filter(text)

    def relist(self) -> None:
        """Show the events that match, from the newest."""
        self._rows, self._older, self._more = {}, None, False
        self.table.empty = [("reading …", "dim")]
        self.table.show_rows(())
        self.ask()

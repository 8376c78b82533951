"""The audit: who did what, when and why; live at the top, older pages as one goes down."""

from typing import ClassVar

from textual.app import ComposeResult

from backend.domain.event_filters import parse_event_filter
from backend.errors import InputError
from backend.readmodel.pages import EventsPage
from backend.readmodel.records import EventRow
from backend.readmodel.wanted import EventsWanted, Wanted
from tui.columns.events import EVENT_COLUMNS
from tui.desk import Desk
from tui.keys.events import EVENTS
from tui.keys.model import bindings
from tui.keys.table import TABLE
from tui.screens.listing import ListScreen
from tui.source import News
from tui.widgets.lists.table import ListTable
from tui.widgets.prompt.line import LinePrompt

KEPT = 20_000
"""Events that are held; who goes down further starts again at the newest with a filter."""
AHEAD = 50
"""Lines before the end of what is held at which the next page is asked for."""


class EventsScreen(ListScreen):
    """A list that grows at both ends: new events above, older pages below."""

    BINDINGS = bindings(EVENTS)
    NAME = "events"
    GROUPS: ClassVar = (TABLE, EVENTS)
    COLUMNS = EVENT_COLUMNS

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._filter = ""
        self._rows: dict[int, EventRow] = {}
        self._older: EventsWanted | None = None
        self._more = False

    def pane(self) -> ComposeResult:
        """The line for a filter."""
        yield LinePrompt("job:12  actor:alice*  action:kill,clean  state:failed  node:gpu*  text  !text")

    def wants(self) -> tuple[Wanted, ...]:
        """The newest page, and the older one that is being waited for."""
        newest = EventsWanted(self._filter)
        return (newest,) if self._older is None else (newest, self._older)

    def job_of(self, row: EventRow) -> int | None:
        """Return the job that an event is about; none for an event of a node."""
        return row.job_id

    def take(self, news: News) -> None:
        """Take a page."""
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

    def _nothing(self, error: str) -> list[tuple[str, str]]:
        if error:
            return [("this filter could not be run", "failed"), (error, "dim")]
        if self._filter:
            return [(f"no event matches  {self._filter}", "plain"), ("", "dim"), ("/ to change it, esc for all", "dim")]
        return [("no events yet", "plain")]

    def on_virtual_table_changed(self, message: ListTable.Changed) -> None:
        """Fetch the next page in time; say which filter holds."""
        lowest = min(self._rows, default=0)
        near = message.status.line >= len(self._rows) - AHEAD
        if near and self._more and self._older is None and len(self._rows) < KEPT:
            self._older = EventsWanted(self._filter, below=lowest)
            self.ask()

    def filter_by(self, text: str) -> None:
        """Filter the list as a command says. Raises InputError."""
        parse_event_filter(text)
        self.look_for(text)

    def action_filter(self) -> None:
        """Ask for a filter."""
        self.query_one(LinePrompt).ask(self._filter)

    def action_clear(self) -> None:
        """Show all events again."""
        if self._filter:
            self.look_for("")

    def action_only_job(self) -> None:
        """Show only the events of the job under the cursor."""
        job_id = self.selected_id()
        if job_id is not None:
            self.look_for(f"job:{job_id}")

    def on_line_prompt_asked(self, message: LinePrompt.Asked) -> None:
        """Show what matches; a wrong filter is explained where it was typed."""
        prompt = self.query_one(LinePrompt)
        try:
            parse_event_filter(message.text)
        except InputError as exc:
            prompt.complain(str(exc))
        else:
            prompt.close()
            self.look_for(message.text)

    def on_line_prompt_closed(self) -> None:
        """Give the list the keys again."""
        self.table.focus()

    def look_for(self, typed: str) -> None:
        """Show the events that match, from the newest."""
        self._filter, self._rows, self._older, self._more = typed, {}, None, False
        self.table.said_filter = typed
        self.table.empty = [("looking …", "dim")]
        self.table.show_rows(())
        self.table.restart()
        self.ask()

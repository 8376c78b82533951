"""What waits, in the order the scheduler looks at it, and why; the doorbell under it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from jobwarden.backend.domain.filters.jobs import parse_filter
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries.models.pages import LISTED, QueueView, QueueWanted, Wanted
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.columns.lists import QUEUE_COLUMNS
from jobwarden.tui.context import ScreenContext
from jobwarden.tui.keys.bindings import FILTER, MARK, QUEUE_ACT, TABLE, UNDO
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.panels.node import bells_pane
from jobwarden.tui.screens.base.list import ListScreen
from jobwarden.tui.widgets.facts import Pane
from jobwarden.tui.widgets.table.bar import could_not_run, none_matches
from jobwarden.tui.widgets.table.cursor import Message_

EMPTY = [("no job is waiting", "good"), ("", "dim"), ("every submitted job is running or has ended", "dim")]


class QueueScreen(ListScreen):
    """The waiting jobs; hold, unhold and priority act on them."""

    BINDINGS = bindings(QUEUE_ACT, UNDO)
    NAME = "queue"
    GROUPS: ClassVar = (TABLE, MARK, FILTER, QUEUE_ACT, UNDO)
    COLUMNS = QUEUE_COLUMNS

    def __init__(self, context: ScreenContext) -> None:
        super().__init__(context)
        self._view: QueueView | None = None

    def pane(self) -> ComposeResult:
        """The line that counts, and Redis."""
        yield Pane("", classes="pane-title", id="queue-sum")
        with VerticalScroll(id="queue-bells", can_focus=False):
            yield Pane("")

    def wants(self) -> tuple[Wanted, ...]:
        """The waiting jobs that match."""
        return (QueueWanted(self._filter),)

    def check_filter(self, text: str) -> None:
        """Raise InputError for a filter that says nothing sensible."""
        parse_filter(text)

    def relist(self) -> None:
        """Ask for what matches; marks stay with the jobs that are hidden."""
        self.table.empty = [("reading …", "dim")]
        self.table.show_rows((), hidden=None)
        self.ask()

    def take(self, news: News) -> None:
        """Take what the read model delivered."""
        super().take(news)
        if isinstance(news, QueueView) and news.wanted.filter == self._filter:
            self._view = self._view if news.error else news
            self.table.empty = self._nothing(news)
            self.table.show_rows(news.rows, hidden=None if self._filter else ())
            self._draw()
        elif isinstance(news, Snapshot) and self._view is None:
            self.table.empty = [("loading …", "dim")]

    def _nothing(self, view: QueueView) -> Message_:
        if view.error:
            return could_not_run(view.error)
        return none_matches("waiting job", self._filter) if self._filter else EMPTY

    def _draw(self) -> None:
        view = self._view
        if view is None:
            return
        self.query_one("#queue-sum", Pane).show(f" {summary(view)}")
        pane = self.query_one("#queue-bells Pane", Pane)
        styles = pane.styles_of_roles()
        pane.show(bells_pane(view.bells, self.snapshot.redis.milliseconds, self.context.clock(), styles))


def summary(view: QueueView) -> str:
    """Return ``1,234 pending, 3 of them held; the first 1,000 are listed``, with a filter those that match."""
    matching = " that match" if view.wanted.filter else ""
    first = "the first " if len(view.rows) == LISTED or not matching else ""
    listed = f"; {first}{len(view.rows):,}{matching} are listed" if view.pending > len(view.rows) else ""
    held = f", {view.held:,} of them held" if view.held else ""
    return f"{view.pending:,} pending{held}{listed}"

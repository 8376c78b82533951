"""The list of jobs with the log of the selected one under it."""

from typing import ClassVar

from textual.app import ComposeResult

from jobwarden.backend.actions.targets import Scope
from jobwarden.backend.domain.filters.completion import JOBS
from jobwarden.backend.errors import InputError
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.job_window import JobWindow
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.backend.queries.models.sort import SORT_KEYS, Order
from jobwarden.tui.context import ScreenContext
from jobwarden.tui.dialogs.saved_views import SavedViews, View, own_view
from jobwarden.tui.keys.bindings import ACT, FILTER, LIST, LOG, MARK, TABLE, UNDO
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.messages import JobWanted
from jobwarden.tui.screens.base.list import FilteringScreen
from jobwarden.tui.screens.jobs_table import NEWEST as NEWEST_FIRST
from jobwarden.tui.screens.jobs_table import JobTable
from jobwarden.tui.widgets.log.half import LogHalf
from jobwarden.tui.widgets.prompt import FilterPrompt
from jobwarden.tui.widgets.table.bar import ListBar


class JobsScreen(FilteringScreen):
    """What an operator looks at all day."""

    BINDINGS = bindings(LIST, ACT, UNDO)
    NAME = "jobs"
    GROUPS: ClassVar = (TABLE, MARK, FILTER, LIST, ACT, UNDO, LOG)
    GRAMMAR = JOBS

    def __init__(self, context: ScreenContext) -> None:
        super().__init__(context)
        self._source = context.source

    def body(self) -> ComposeResult:
        """Put the screen together."""
        yield ListBar("Jobs")
        yield JobTable(self.context.clock)
        yield LogHalf()
        yield FilterPrompt(JOBS, self.NAME)

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(JobTable).focus()

    def on_screen_resume(self) -> None:
        """Follow the selected job's log again after another screen was on top."""
        self._source.follow(self.query_one(JobTable).selected)

    @property
    def filter(self) -> str:
        """The filter that was asked for last: escape also gives up one that takes its time."""
        return self.query_one(JobTable).asked_filter

    @property
    def main(self) -> JobTable:
        """The list of jobs."""
        return self.query_one(JobTable)

    def point_at(self, job_id: int) -> None:
        """Put the cursor on a job, when it is in the list."""
        self.query_one(JobTable).point_at(job_id)

    def selected_id(self) -> int | None:
        """Return the job under the cursor."""
        selected = self.query_one(JobTable).selected
        return None if selected is None else selected.id

    def marked(self) -> Scope | None:
        """Return the marked jobs, or the filter that stands for all that match."""
        table = self.query_one(JobTable)
        return table.targets() if table.marks else None

    def take(self, news: News) -> None:
        """Take what the read model delivered."""
        super().take(news)
        if isinstance(news, Snapshot):
            self.query_one(JobTable).flag({row.job_id: row.kind for row in reversed(news.anomalies)})
        elif isinstance(news, JobWindow):
            self.query_one(JobTable).show(news)
        elif isinstance(news, LogView):
            self.query_one(LogHalf).show(news)

    def on_virtual_table_changed(self, message: JobTable.Changed) -> None:
        """Say what is listed, marked and held back."""
        self.query_one(ListBar).show(message.status)

    def on_virtual_table_ordered(self, message: JobTable.Ordered) -> None:
        """Read the list in another order."""
        self._list(self.filter)

    def on_virtual_table_hold_wanted(self, message: JobTable.HoldWanted) -> None:
        """Pause or resume the list."""
        self._source.hold(message.hold)

    def _list(self, filter_text: str) -> None:
        """Read another list. Raises InputError for a filter that says nothing sensible."""
        table = self.query_one(JobTable)
        sort = table.sort
        self._source.show(filter_text, Order(sort.column, sort.descending) if sort else Order())
        table.expect(filter_text)

    def on_virtual_table_viewport(self, message: JobTable.Viewport) -> None:
        """Fetch what is on the screen now, and around it."""
        self._source.look(message.first, message.last)

    def on_virtual_table_selected(self, message: JobTable.Selected) -> None:
        """Show the log of another job."""
        job = message.row if isinstance(message.row, JobRow) else None
        self.query_one(LogHalf).job(job)
        self._source.follow(job)

    def on_virtual_table_opened(self) -> None:
        """Open the job under the cursor."""
        job_id = self.selected_id()
        if job_id is not None:
            self.post_message(JobWanted(job_id))

    def filter_by(self, text: str) -> None:
        """Filter the list as a command says. Raises InputError."""
        self._list(text)

    def action_clear(self) -> None:
        """Show all again; what another screen led to by a filter leads back there."""
        way = self.context.way
        leads_back = bool(way.screen) and self.filter == way.filter
        super().action_clear()
        if leads_back:
            screen, way.screen = way.screen, ""
            self.app.switch_mode(screen)

    def action_views(self) -> None:
        """Open a saved view, or save the list as it is."""
        from jobwarden.tui.dialogs.saved_views import ViewPicker

        table = self.query_one(JobTable)
        now = own_view("", self.filter, table.sort or NEWEST_FIRST, table.layout_of_columns)
        self.app.push_screen(ViewPicker(SavedViews(self.context.state), now), self._open_view)

    def _open_view(self, view: View | None) -> None:
        if view is None:
            return
        table = self.query_one(JobTable)
        before = table.sort
        if (layout := view.layout(table.columns)) is not None:
            table.show_columns(layout)
        table.set_sort(view.sort if view.sort.column in SORT_KEYS else NEWEST_FIRST)
        try:
            self._list(view.filter)
        except InputError as exc:
            table.set_sort(before or NEWEST_FIRST)
            self.notify(f"view {view.name}: {exc}", severity="error", markup=False)

    def action_toggle_log(self) -> None:
        """Show or hide the log."""
        self.query_one(LogHalf).toggle()
        self.query_one(JobTable).focus()

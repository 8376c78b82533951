"""One job: what it is, its attempts, its history, its script and its log."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from backend.actions.scope import Scope
from backend.readmodel.feed import DetailView
from backend.readmodel.logs import LogView
from backend.readmodel.overview import Snapshot
from backend.readmodel.records import JobDetail
from tui.desk import Desk
from tui.keys.acts import ACT, UNDO
from tui.keys.job import JOB
from tui.keys.log import LOG
from tui.keys.model import bindings
from tui.screens.acting import ActingScreen
from tui.source import News
from tui.widgets.job.detail import JobText, JobTitle
from tui.widgets.log.panel import LogPanel
from tui.widgets.log.title import LogTitle


class JobScreen(ActingScreen):
    """Stays with its job whatever the list under it does."""

    BINDINGS = bindings(JOB, ACT, UNDO)
    GROUPS: ClassVar = (JOB, ACT, UNDO, LOG)

    def __init__(self, job_id: int, desk: Desk) -> None:
        super().__init__(desk)
        self.job_id = job_id
        self._source = desk.source
        self._clock = desk.clock
        self._detail: JobDetail | None = None

    def body(self) -> ComposeResult:
        """Put the screen together."""
        yield JobTitle()
        with VerticalScroll(id="job-scroll"):
            yield JobText()
        yield LogTitle()
        yield LogPanel()

    def on_mount(self) -> None:
        """Let the times of the job tick."""
        self.query_one("#job-scroll").focus()
        self.set_interval(1.0, self._draw)

    def on_screen_resume(self) -> None:
        """Ask for the job."""
        self._source.watch(self.job_id)

    def on_unmount(self) -> None:
        """Nobody looks at the job any more."""
        self._source.watch(None)

    def selected_id(self) -> int | None:
        """Return the job of the screen."""
        return self.job_id

    def marked(self) -> Scope | None:
        """Every action of this screen is for its job alone."""
        return Scope((self.job_id,))

    def take(self, news: News) -> None:
        """Take what the read model delivered."""
        if isinstance(news, Snapshot):
            self._draw()
        elif isinstance(news, DetailView) and news.job_id == self.job_id:
            self._take_detail(news.detail)
        elif isinstance(news, LogView):
            self.query_one(LogPanel).show(news)

    def _take_detail(self, detail: JobDetail | None) -> None:
        self._detail = detail
        if detail is None:
            self.query_one(JobTitle).update(Text(f" Job {self.job_id} does not exist any more", style="bold"))
            return
        self.query_one(LogTitle).job(detail.job)
        self._source.follow(detail.job)
        self._draw()

    def _draw(self) -> None:
        if self._detail is not None:
            anomaly = next((row for row in self.snapshot.anomalies if row.job_id == self.job_id), None)
            self.query_one(JobTitle).show(self._detail, anomaly)
            self.query_one(JobText).show(self._detail, anomaly, self._clock())

    def on_log_panel_followed(self, message: LogPanel.Followed) -> None:
        """Say whether the log follows."""
        self.query_one(LogTitle).followed(message.following, message.unseen)

    def action_back(self) -> None:
        """Go back to the list."""
        self.dismiss(None)

    def action_toggle_log(self) -> None:
        """Show or hide the log."""
        shown = not self.query_one(LogPanel).display
        for widget in (self.query_one(LogPanel), self.query_one(LogTitle)):
            widget.display = shown

"""One job: what it is, its attempts, its history, its script and its log."""

from collections.abc import Callable
from datetime import datetime

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from backend.readmodel.feed import DetailView
from backend.readmodel.logs import LogView
from backend.readmodel.overview import Snapshot
from backend.readmodel.records import JobDetail
from tui.deeds import Deeds
from tui.keys.acts import ACT
from tui.keys.app import APP
from tui.keys.job import JOB
from tui.keys.log import LOG
from tui.keys.model import bindings, without_acts
from tui.messages import Arrived
from tui.screens.acting import ActingScreen
from tui.screens.help import Help
from tui.source import Source
from tui.widgets.header.banner import Banner
from tui.widgets.header.header import Header
from tui.widgets.job.detail import JobText, JobTitle
from tui.widgets.keyline import KeyLine
from tui.widgets.log.panel import LogPanel
from tui.widgets.log.title import LogTitle

GROUPS = (JOB, ACT, LOG, APP)


class JobScreen(ActingScreen):
    """Stays with its job whatever the list under it does."""

    BINDINGS = bindings(JOB, ACT, APP)

    def __init__(
        self,
        job_id: int,
        source: Source,
        deeds: Deeds,
        clock: Callable[[], datetime],
        snapshot: Snapshot,
        read_only: bool,
    ) -> None:
        super().__init__(deeds, read_only=read_only)
        self.job_id = job_id
        self.snapshot = snapshot
        self._source = source
        self._clock = clock
        self._detail: JobDetail | None = None
        self._groups = without_acts(GROUPS) if read_only else list(GROUPS)

    def compose(self) -> ComposeResult:
        """Put the screen together."""
        yield Header(read_only=self.read_only)
        yield Banner(self._clock)
        yield JobTitle()
        with VerticalScroll(id="job-scroll"):
            yield JobText()
        yield LogTitle()
        yield LogPanel()
        yield KeyLine(self._groups)

    def on_mount(self) -> None:
        """Ask for the job, and let its times tick."""
        self.query_one(Header).show(self.snapshot)
        self.query_one("#job-scroll").focus()
        self._source.watch(self.job_id)
        self.set_interval(1.0, self._draw)

    def on_unmount(self) -> None:
        """Nobody looks at the job any more."""
        self._source.watch(None)

    def selected_id(self) -> int | None:
        """Return the job of the screen."""
        return self.job_id

    def on_arrived(self, message: Arrived) -> None:
        """Take what the read model delivered."""
        news = message.news
        if isinstance(news, Snapshot):
            self.snapshot = news
            self.query_one(Header).show(news)
            self.query_one(Banner).show(news)
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

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help(self._groups))

"""The log of one job on the whole screen, with a reader of its own."""

from collections.abc import Callable
from datetime import datetime

from textual.app import ComposeResult
from textual.message import Message

from jobwarden.backend.feeds.logs import LogFollower
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.logs.requests import Only
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.job_window import JobWindow
from jobwarden.backend.queries.models.jobs import DetailView, JobRow
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.context import utc_now
from jobwarden.tui.dialogs.help import Help
from jobwarden.tui.keys.bindings import APP, LOG, LOG_LINE, LOG_SCREEN
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.messages import Arrived
from jobwarden.tui.widgets.fitted import Fitted
from jobwarden.tui.widgets.header.header import Banner
from jobwarden.tui.widgets.log.panel import LogPanel
from jobwarden.tui.widgets.log.status import LogTitle
from jobwarden.tui.widgets.tabs import KeyLine


class LogScreen(Fitted[None]):
    """Follows the log until it is closed; ``at`` is the offset to begin at, None for the end."""

    BINDINGS = bindings(LOG_SCREEN, APP)

    class Delivered(Message, bubble=False):
        """The reader has something new."""

        def __init__(self, view: LogView) -> None:
            super().__init__()
            self.view = view

    def __init__(self, job: JobRow, at: int | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__()
        self.job = job
        self._at = at
        self._clock = clock
        self._follower = LogFollower(self._deliver)

    def compose(self) -> ComposeResult:
        """Put the screen together."""
        yield LogTitle()
        yield Banner(self._clock)
        yield LogPanel()
        yield KeyLine([LOG_LINE, LOG_SCREEN, APP])

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(LogTitle).job(self.job)
        self.query_one(LogPanel).focus()
        self._follower.start()
        self._follower.follow(self.job)

    def on_unmount(self) -> None:
        """Stop reading."""
        self._follower.stop()

    def on_arrived(self, message: Arrived) -> None:
        """Say how the job stands now, and when nobody can know: the log itself needs no database."""
        news = message.news
        if isinstance(news, Snapshot):
            self.query_one(Banner).show(news)
        elif (row := _row_of(self.job.id, news)) is not None:
            self.job = row
            self.query_one(LogTitle).job(row)

    def _deliver(self, view: LogView) -> None:
        """Take news from the reader's thread."""
        self.post_message(self.Delivered(view))

    def on_log_screen_delivered(self, message: Delivered) -> None:
        """Show what the reader has; the first time, go where the log was looked at before."""
        self.query_one(LogPanel).show(message.view)
        self.query_one(LogTitle).sized(message.view.size)
        if self._at is not None and message.view.source is not None:
            message.view.source.ask(Only(None, self._at))
            self._at = None

    def on_log_panel_followed(self, message: LogPanel.Followed) -> None:
        """Say whether the log follows."""
        self.query_one(LogTitle).followed(message.following, message.unseen)

    def on_log_panel_zoomed(self) -> None:
        """Go back."""
        self.action_back()

    def action_back(self) -> None:
        """Go back to where the log was opened."""
        self.dismiss(None)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help([LOG, LOG_SCREEN, APP]))


def _row_of(job_id: int, news: News) -> JobRow | None:
    if isinstance(news, DetailView):
        return news.detail.job if news.detail is not None and news.job_id == job_id else None
    return next((row for row in news.rows if row.id == job_id), None) if isinstance(news, JobWindow) else None

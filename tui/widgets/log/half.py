"""The part of a screen under its list: the log of a job, as tall as what it holds."""

from textual.app import ComposeResult
from textual.containers import Vertical

from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.tui.widgets.log.panel import LogPanel
from jobwarden.tui.widgets.log.status import LogTitle

LIST = 16
"""Lines of a terminal that come before those of the log: what is around it, and the first rows of the list."""
SHARE = 0.38
"""Of a large terminal that the log may have."""
LEAST = 2
"""Lines of a log that are worth the line of its title."""
LOWEST = 14
"""Lines of a terminal below which the log is only on a screen of its own."""


def most_lines(height: int) -> int:
    """Return how many lines of a terminal a log may take: few of a small one, which is for the list.

    >>> [most_lines(height) for height in (10, 15, 24, 36, 60)]
    [0, 2, 4, 10, 22]
    """
    return 0 if height < LOWEST else max(LEAST, min(int(height * SHARE), (height - LIST) // 2))


class LogHalf(Vertical):
    """Title and lines; the lines go away when there are none, the title as well when there is no job."""

    def __init__(self) -> None:
        super().__init__()
        self.title = LogTitle()
        self.panel = LogPanel()
        self._job: JobRow | None = None
        self._view = LogView()
        self._wanted = True

    def compose(self) -> ComposeResult:
        """Put the half together."""
        yield self.title
        yield self.panel

    def job(self, job: JobRow | None) -> None:
        """Name another job; without one there is no log."""
        self._job = job
        self.title.job(job)
        if job is None:
            self.show(LogView())
        self.fit()

    def show(self, view: LogView) -> None:
        """Show the log as it is now."""
        self._view = view
        self.title.noted(view.note)
        self.panel.show(view)
        self.fit()

    def toggle(self) -> None:
        """Hide it, or show it again."""
        self._wanted = not self._wanted
        self.fit()

    def on_mount(self) -> None:
        """Begin without a log."""
        self.fit()

    def on_log_panel_reshaped(self) -> None:
        """Make room for its lines and what is under them."""
        self.fit()

    def on_log_panel_followed(self, message: LogPanel.Followed) -> None:
        """Say whether the log follows."""
        self.title.followed(message.following, message.unseen)

    def fit(self) -> None:
        """Take the lines that are needed, as far as the terminal has them."""
        most, view = most_lines(self.app.size.height), self._view
        lines = max(len(view.lines), most if view.skipped else 0) + self.panel.extra
        shown = bool(view.lines or self.panel.has_focus_within) and not view.note
        self.panel.styles.height = max(LEAST, min(lines, most))
        self.panel.display = self._wanted and shown and most > 0
        self.title.display = self._wanted and self._job is not None and most > 0
        self.display = self.panel.display or self.title.display

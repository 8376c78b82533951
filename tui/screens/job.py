"""One job: what it is, its history, its processes, its script and environment, each a part; its log under them."""

from typing import ClassVar

from rich.console import RenderableType
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from jobwarden.backend.actions.targets import Scope
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.jobs import AnomalyRow, DetailView, JobDetail
from jobwarden.backend.queries.models.pages import EvidenceWanted, Wanted
from jobwarden.backend.queries.models.processes import EvidenceView
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.context import ScreenContext
from jobwarden.tui.keys.bindings import ACT, JOB, LOG, UNDO
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.panels.evidence import processes_pane
from jobwarden.tui.panels.job import environment, history, job_title, overview, script
from jobwarden.tui.screens.base.acting import ActingScreen
from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import badge_style
from jobwarden.tui.widgets.facts import Pane, Styles
from jobwarden.tui.widgets.log.half import LogHalf


class JobTitle(Pane):
    """Id, name, state and anomaly."""


class JobText(Pane):
    """The open part."""


# The line that names the parts of a job; a click opens one.

SECTIONS = ("overview", "history", "processes", "script", "environment")
"""In the order of the keys."""


class Sections(Static):
    """One part is open; it is bracketed, so that it shows without colour."""

    COMPONENT_CLASSES = {"sections--open"}  # noqa: RUF012 (as Textual declares it)

    class Opened(Message):
        """Another part is to be shown."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__("")
        self.current = SECTIONS[0]

    def on_mount(self) -> None:
        """Show the names."""
        self._draw()

    def move(self, by: int) -> None:
        """Open the part that is so many further; after the last comes the first."""
        self.open(SECTIONS[(SECTIONS.index(self.current) + by) % len(SECTIONS)])

    def open(self, name: str) -> None:
        """Open a part."""
        self.current = name
        self._draw()
        self.post_message(self.Opened(name))

    def on_click(self, event: events.Click) -> None:
        """Open the part that was clicked."""
        at = 0
        for name, part in zip(SECTIONS, self._parts(), strict=True):
            if at <= event.x < at + part.cell_len:
                self.open(name)
            at += part.cell_len

    def _draw(self) -> None:
        self.update(Text("", no_wrap=True).join(self._parts()))

    def _parts(self) -> list[Text]:
        style = str(badge_style(self, "sections--open"))
        return [_part(name, name == self.current, style) for name in SECTIONS]


def _part(name: str, is_open: bool, style: str) -> Text:
    title = name.capitalize()
    return Text(f"[{title}]", style=style) if is_open else Text(f" {title} ")


class JobScreen(ActingScreen):
    """Stays with its job whatever the list under it does."""

    BINDINGS = bindings(JOB, ACT, UNDO)
    GROUPS: ClassVar = (JOB, ACT, UNDO, LOG)

    def __init__(self, job_id: int, context: ScreenContext) -> None:
        super().__init__(context)
        self.job_id = job_id
        self._source = context.source
        self._clock = context.clock
        self._detail: JobDetail | None = None
        self._evidence: EvidenceView | None = None
        self._drawn: object = None

    def body(self) -> ComposeResult:
        """Put the screen together."""
        yield JobTitle("")
        yield Sections()
        with VerticalScroll(id="job-scroll"):
            yield JobText("")
        yield LogHalf()

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

    @property
    def section(self) -> str:
        """The part that is open."""
        return self.query_one(Sections).current

    def wants(self) -> tuple[Wanted, ...]:
        """The processes, while they are looked at."""
        return (EvidenceWanted(self.job_id),) if self.is_mounted and self.section == "processes" else ()

    def take(self, news: News) -> None:
        """Take what the read model delivered."""
        if isinstance(news, Snapshot):
            self._draw()
        elif isinstance(news, DetailView) and news.job_id == self.job_id:
            self._take_detail(news.detail)
        elif isinstance(news, EvidenceView) and news.job_id == self.job_id:
            self._evidence = news
            self._draw()
        elif isinstance(news, LogView):
            self.query_one(LogHalf).show(news)

    def _take_detail(self, detail: JobDetail | None) -> None:
        self._detail = detail
        if detail is None:
            said = f" Job {self.job_id} no longer exists"
            self.query_one(JobTitle).update(Text(said, style="bold"))
            self.query_one(JobText).update("")
            return
        self.query_one(LogHalf).job(detail.job)
        self._source.follow(detail.job)
        self._draw()

    def _draw(self) -> None:
        """Draw the title and the open part; a part that no time changes is drawn only when the job has changed."""
        if self._detail is None:
            return
        anomaly = next((row for row in self.snapshot.anomalies if row.job_id == self.job_id), None)
        title, text = self.query_one(JobTitle), self.query_one(JobText)
        title.show(job_title(self._detail.job, anomaly, title.styles_of_roles()))
        styles = text.styles_of_roles()
        state = (self.section, self._detail, styles)
        if self.section in ("overview", "processes") or state != self._drawn:
            self._drawn = state
            text.show(self._part(self._detail, anomaly, styles))

    def _part(self, detail: JobDetail, anomaly: AnomalyRow | None, styles: Styles) -> RenderableType:
        match self.section:
            case "history":
                return history(detail.events, styles)
            case "processes":
                return processes_pane(self._evidence, styles)
            case "script":
                return script(detail, styles)
            case "environment":
                return environment(detail, styles)
        return overview(detail, anomaly, self._clock(), styles)

    def action_section(self, by: int) -> None:
        """Open the next part, or the one before."""
        self.query_one(Sections).move(by)

    def on_sections_opened(self) -> None:
        """Show another part from its beginning."""
        self.query_one("#job-scroll", VerticalScroll).scroll_home(animate=False)
        self._draw()
        self.ask()

    def action_back(self) -> None:
        """Go back to the list."""
        self.dismiss(None)

    def action_toggle_log(self) -> None:
        """Show or hide the log."""
        self.query_one(LogHalf).toggle()

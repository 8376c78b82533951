"""One job: what it is, its history, its processes, its script and environment, each a part; its log under them."""

from typing import ClassVar

from rich.console import RenderableType
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from backend.actions.scope import Scope
from backend.readmodel.logs.view import LogView
from backend.readmodel.records import AnomalyRow, DetailView, JobDetail
from backend.readmodel.snapshot import Snapshot
from backend.readmodel.trees import EvidenceView
from backend.readmodel.wanted import EvidenceWanted, Wanted
from tui.desk import Desk
from tui.keys.acts import ACT, UNDO
from tui.keys.job import JOB
from tui.keys.log import LOG
from tui.keys.model import bindings
from tui.panes.evidence import processes_pane
from tui.panes.job import environment, history, job_title, overview, script
from tui.screens.acting import ActingScreen
from tui.source import News
from tui.text import Text
from tui.widgets.facts.facts import Styles
from tui.widgets.job.detail import JobText, JobTitle
from tui.widgets.job.sections import Sections
from tui.widgets.log.half import LogHalf


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
            said = f" Job {self.job_id} does not exist any more"
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

"""What all screens have in common: header, tabs, banner, a body of their own, and the line of keys."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from jobwarden.backend.domain.filters.completion import Grammar
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries.models.pages import Wanted
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.context import ScreenContext
from jobwarden.tui.dialogs.help import Help
from jobwarden.tui.keys.bindings import APP, GO
from jobwarden.tui.keys.model import KeyGroup, bindings, without_acts
from jobwarden.tui.messages import Arrived, on_screen
from jobwarden.tui.widgets.fitted import Fitted
from jobwarden.tui.widgets.header.header import AlertLine, Banner, Header
from jobwarden.tui.widgets.header.render import WIDE
from jobwarden.tui.widgets.log.half import LogHalf
from jobwarden.tui.widgets.table.virtual import VirtualTable
from jobwarden.tui.widgets.tabs import KeyLine, Tabs


class BaseScreen(Fitted[None]):
    """A screen says what it shows (``body``), what it does with news (``take``) and what it wants read (``wants``).

    News reach only the screen on top; what came meanwhile is replayed when it comes back there.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 (as Textual declares it)
    BINDINGS: ClassVar[list[BindingType]] = bindings(GO, APP)
    NAME: ClassVar[str] = ""
    """Its name in the table of screens; empty for one that opens over the others."""
    GROUPS: ClassVar[tuple[KeyGroup, ...]] = ()
    """Keys of the screen and its widgets, for the line of keys and the help."""

    GRAMMAR: ClassVar[Grammar | None] = None
    """What a filter of its list may name, for the help; None when it has no filter."""

    def __init__(self, context: ScreenContext) -> None:
        super().__init__()
        self.context = context
        self.snapshot = context.kept.snapshot
        groups = (*self.GROUPS, GO, APP)
        self.groups = without_acts(groups) if context.read_only else list(groups)

    def compose(self) -> ComposeResult:
        """Put the screen together."""
        yield Header(read_only=self.context.read_only)
        yield Tabs(self.NAME)
        yield Banner(self.context.clock)
        yield AlertLine()
        yield from self.body()
        yield KeyLine(self.groups)

    def body(self) -> ComposeResult:
        """Return the widgets between banner and key line."""
        raise NotImplementedError

    def on_resize(self, event: events.Resize) -> None:
        """Let the log have its part of another height."""
        for half in self.query(LogHalf).results(LogHalf):
            half.fit()

    def take(self, news: News) -> None:
        """Show what the read model delivered; the header has seen a Snapshot already."""

    def wants(self) -> tuple[Wanted, ...]:
        """Return what is to be read for this screen besides the snapshot while it is on top."""
        return ()

    def ask(self) -> None:
        """Tell the read model what this screen wants, after that has changed."""
        if self.is_current:
            self.context.source.want(self.wants())

    def on_screen_resume(self) -> None:
        """Catch up with what came while another screen was on top."""
        self.context.source.want(self.wants())
        for news in self.context.kept:
            self.receive(news)

    def on_arrived(self, message: Arrived) -> None:
        """Take news."""
        self.receive(message.news)

    def receive(self, news: News) -> None:
        """Give news to header, tabs, banner and body."""
        if not on_screen(self):
            return
        if isinstance(news, Snapshot):
            self.snapshot = news
            self.query_one(Header).show(news)
            self.query_one(Tabs).show(news)
            self.query_one(Banner).show(news)
            self.query_one(AlertLine).show(news)
        self.take(news)

    def on_banner_aged(self, message: Banner.Aged) -> None:
        """Say of the header and of every list that they are old."""
        self.query_one(Header).age(message.stale)
        for table in self.query(VirtualTable).results(VirtualTable):
            table.mark_stale(message.stale)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help(self.groups, self.GRAMMAR))

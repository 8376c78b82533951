"""What all screens have in common: header, tabs, banner, a body of their own, and the line of keys."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from backend.domain.completion import Grammar
from backend.readmodel.snapshot import Snapshot
from backend.readmodel.wanted import Wanted
from tui.desk import Desk
from tui.keys.app import APP
from tui.keys.model import Group, bindings, without_acts
from tui.keys.screens import GO
from tui.messages import Arrived
from tui.screens.fitted import Fitted
from tui.screens.help import Help
from tui.source import News
from tui.widgets.header.alerts import AlertLine
from tui.widgets.header.banner import Banner
from tui.widgets.header.header import Header
from tui.widgets.header.lines import WIDE
from tui.widgets.keyline import KeyLine
from tui.widgets.log.half import LogHalf
from tui.widgets.presence import on_screen
from tui.widgets.table.virtual import VirtualTable
from tui.widgets.tabs.tabs import Tabs


class BaseScreen(Fitted[None]):
    """A screen says what it shows (``body``), what it does with news (``take``) and what it wants read (``wants``).

    News reach only the screen on top; what came meanwhile is replayed when it comes back there.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 (as Textual declares it)
    BINDINGS: ClassVar[list[BindingType]] = bindings(GO, APP)
    NAME: ClassVar[str] = ""
    """Its name in the table of screens; empty for one that opens over the others."""
    GROUPS: ClassVar[tuple[Group, ...]] = ()
    """Keys of the screen and its widgets, for the line of keys and the help."""

    GRAMMAR: ClassVar[Grammar | None] = None
    """What a filter of its list may name, for the help; None when it has no filter."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.snapshot = desk.kept.snapshot
        groups = (*self.GROUPS, GO, APP)
        self.groups = without_acts(groups) if desk.read_only else list(groups)

    def compose(self) -> ComposeResult:
        """Put the screen together."""
        yield Header(read_only=self.desk.read_only)
        yield Tabs(self.NAME)
        yield Banner(self.desk.clock)
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
            self.desk.source.want(self.wants())

    def on_screen_resume(self) -> None:
        """Catch up with what came while another screen was on top."""
        self.desk.source.want(self.wants())
        for news in self.desk.kept:
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

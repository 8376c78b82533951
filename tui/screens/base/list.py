"""A screen over one list that is held as a whole: bar, table, filter, and more about the row under the cursor."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from jobwarden.backend.actions.targets import Scope
from jobwarden.backend.domain.filters.completion import JOBS, Grammar
from jobwarden.backend.errors import InputError
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries.models.pages import Words
from jobwarden.tui.context import ScreenContext
from jobwarden.tui.keys.bindings import FILTER, MARK, TABLE
from jobwarden.tui.keys.model import KeyGroup, bindings
from jobwarden.tui.messages import JobWanted
from jobwarden.tui.screen_registry import SCREENS
from jobwarden.tui.screens.base.acting import ActingScreen
from jobwarden.tui.widgets.prompt import FilterPrompt
from jobwarden.tui.widgets.table.bar import ListBar
from jobwarden.tui.widgets.table.columns import Column
from jobwarden.tui.widgets.table.list import ListTable

# A screen over a list that can be filtered: ``/`` asks by what, escape shows all again.


class FilteringScreen(ActingScreen):
    """Has a FilterPrompt for the grammar of its list."""

    BINDINGS = bindings(FILTER)

    @property
    def filter(self) -> str:
        """The filter that holds now, empty for none."""
        raise NotImplementedError

    @property
    def main(self) -> Widget:
        """The list, which has the keys when nothing is typed."""
        raise NotImplementedError

    def filter_by(self, text: str) -> None:
        """Show what matches. Raises InputError for a filter that says nothing sensible."""
        raise NotImplementedError

    @property
    def prompt(self) -> FilterPrompt:
        """The line to type into."""
        return self.query_one(FilterPrompt)

    def take(self, news: News) -> None:
        """Know which words a filter may name."""
        if isinstance(news, Words):
            self.prompt.know({"account": news.accounts, "node": news.nodes, "partition": news.partitions})

    def action_filter(self) -> None:
        """Ask for a filter."""
        self.prompt.ask(self.filter)

    def action_clear(self) -> None:
        """Show all again."""
        if self.filter:
            self.filter_by("")

    def on_filter_prompt_asked(self, message: FilterPrompt.Asked) -> None:
        """Show what matches; a wrong filter is explained where it was typed."""
        try:
            self.filter_by(message.text)
        except InputError as exc:
            self.prompt.complain(exc)
        else:
            self.prompt.accepted(message.text)

    def on_filter_prompt_opened(self) -> None:
        """Ask which words a filter may name now."""
        self.context.source.words()

    def on_filter_prompt_closed(self) -> None:
        """Give the list the keys again."""
        self.main.focus()


class ListScreen(FilteringScreen):
    """Declares its columns; gives the rows to ``table`` and fills in the pane."""

    GROUPS: ClassVar[tuple[KeyGroup, ...]] = (TABLE, MARK, FILTER)
    COLUMNS: ClassVar[Sequence[Column[Any]]] = ()
    GRAMMAR: ClassVar[Grammar] = JOBS

    def __init__(self, context: ScreenContext) -> None:
        super().__init__(context)
        self._filter = ""

    def body(self) -> ComposeResult:
        """Put the screen together."""
        yield ListBar(next(entry.title for entry in SCREENS if entry.name == self.NAME))
        yield ListTable(self.COLUMNS, self.context.clock, self.key_of())
        yield from self.pane()
        yield FilterPrompt(self.GRAMMAR, self.NAME)

    def pane(self) -> ComposeResult:
        """Return what stands under the table."""
        yield from ()

    def key_of(self) -> Callable[[Any], int]:
        """Return what gives the key of a row."""
        return lambda row: int(row.id)

    @property
    def table(self) -> ListTable[Any]:
        """The list."""
        return self.query_one(ListTable)

    @property
    def main(self) -> ListTable[Any]:
        """The list."""
        return self.table

    @property
    def filter(self) -> str:
        """The filter of the list."""
        return self._filter

    def filter_by(self, text: str) -> None:
        """Show what matches, from the top. Raises InputError."""
        self.check_filter(text)
        self._filter = text
        self.table.said_filter = text
        self.relist()
        self.table.restart()

    def check_filter(self, text: str) -> None:
        """Raise InputError for a filter that says nothing sensible."""
        raise NotImplementedError

    def relist(self) -> None:
        """List anew, after the filter has changed."""
        raise NotImplementedError

    def job_of(self, row: Any) -> int | None:
        """Return the job that a row is about."""
        return int(row.id)

    def on_mount(self) -> None:
        """Begin in the list."""
        self.table.focus()

    def selected_id(self) -> int | None:
        """Return the job under the cursor."""
        return None if self.table.selected is None else self.job_of(self.table.selected)

    def marked(self) -> Scope | None:
        """Return the marked jobs."""
        return self.table.targets() if self.table.marks else None

    def on_virtual_table_changed(self, message: ListTable.Changed) -> None:
        """Say what is listed, marked and held back."""
        self.query_one(ListBar).show(message.status)

    def on_virtual_table_opened(self) -> None:
        """Open the job of the row."""
        job_id = self.selected_id()
        if job_id is not None:
            self.post_message(JobWanted(job_id))

"""A screen over one list that is held as a whole: bar, table, and what more there is to the row under the cursor."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult

from backend.actions.scope import Scope
from backend.domain.completion import JOBS, Grammar
from tui.desk import Desk
from tui.keys.filter import FILTER
from tui.keys.model import Group
from tui.keys.table import MARK, TABLE
from tui.messages import JobWanted
from tui.screens.filtering import FilteringScreen
from tui.screens.table import SCREENS
from tui.widgets.lists.table import ListTable
from tui.widgets.prompt.filter import FilterPrompt
from tui.widgets.table.bar import ListBar
from tui.widgets.table.columns import Column


class ListScreen(FilteringScreen):
    """Declares its columns; gives the rows to ``table`` and fills in the pane."""

    GROUPS: ClassVar[tuple[Group, ...]] = (TABLE, MARK, FILTER)
    COLUMNS: ClassVar[Sequence[Column[Any]]] = ()
    GRAMMAR: ClassVar[Grammar] = JOBS

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._filter = ""

    def body(self) -> ComposeResult:
        """Put the screen together."""
        yield ListBar(next(entry.title for entry in SCREENS if entry.name == self.NAME))
        yield ListTable(self.COLUMNS, self.desk.clock, self.key_of())
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

"""A window with a short list to choose from."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from jobwarden.backend.queries.models.job_window import Hold
from jobwarden.tui.dialogs.dialog import ModalWindow
from jobwarden.tui.keys.bindings import PICK, TABLE
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.widgets.table.columns import Column
from jobwarden.tui.widgets.table.rows import RowKey
from jobwarden.tui.widgets.table.virtual import VirtualTable

Answer = TypeVar("Answer")


class PickTable(VirtualTable[Any], inherit_bindings=False):
    """The list: one moves in it and chooses, all other keys are the window's."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(TABLE)
    view = None

    @property
    def hold(self) -> Hold:
        """Nothing is held back: rows move only because they were moved."""
        return Hold.NONE


class Picker(ModalWindow[Answer], Generic[Answer]):
    """Shows ``rows()`` in ``COLUMNS``; enter chooses, escape closes it with None."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(PICK)
    COLUMNS: ClassVar[Sequence[Column[Any]]] = ()
    TITLE_TEXT: ClassVar[str] = ""
    HINT: ClassVar[str] = "Enter choose   Esc cancel"

    def compose(self) -> ComposeResult:
        """Put the window together."""
        with Vertical(id="dialog", classes="picker"):
            yield Static(self.TITLE_TEXT, id="question", markup=False)
            yield PickTable(self.columns(), clock=lambda: datetime.now(UTC), key=self.key_of)
            yield from self.more()
            yield Static(self.HINT, id="hint", markup=False)

    def more(self) -> ComposeResult:
        """Return what stands under the list."""
        yield from ()

    def columns(self) -> Sequence[Column[Any]]:
        """Return what is said of each row."""
        return self.COLUMNS

    def rows(self) -> Sequence[Any]:
        """Return what there is to choose from."""
        raise NotImplementedError

    def key_of(self, row: Any) -> RowKey:
        """Return what a row is known by."""
        return str(row.name)

    @property
    def table(self) -> PickTable:
        """The list."""
        return self.query_one(PickTable)

    def fit(self) -> None:
        """Give the list what its rows take, or what the rest of the window leaves it."""
        frame = self.query_one("#dialog")
        others = sum(part.outer_size.height for part in frame.children if part is not self.table and part.display)
        room = self.size.height * 96 // 100 - others - frame.gutter.height
        self.table.styles.height = max(2, min(len(self.rows()) + 1, room))

    def on_mount(self) -> None:
        """Begin in the list."""
        self.fill()
        self.cursor_to(self.first_choice())
        self.table.focus()

    def first_choice(self) -> RowKey:
        """Return the row to begin at."""
        return ""

    def fill(self) -> None:
        """Show the rows as they are now."""
        self.table.show_rows(self.rows())
        self.fit()

    def cursor_to(self, key: RowKey) -> None:
        """Put the cursor on a row."""
        keys = [self.key_of(row) for row in self.rows()]
        if key in keys:
            self.table.following = False
            self.table.move_to(keys.index(key))

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def on_virtual_table_opened(self) -> None:
        """Choose the row under the cursor."""
        self.chosen()

    def chosen(self) -> None:
        """Answer with the row under the cursor."""
        raise NotImplementedError

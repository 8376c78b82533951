"""The window that opens a saved view, and saves the list as it is now."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from tui.keys.model import bindings
from tui.keys.pickers import CHOOSE_VIEW
from tui.pickers.picker import Picker
from tui.saved import NAME_LENGTH, View, Views
from tui.widgets.table.columns import Cell, Column


def _order(view: View) -> str:
    return f"{'▼' if view.sort.descending else '▲'} {view.sort.column}"


class ViewPicker(Picker[View]):
    """Answers with the view to open. ``now`` is the list as it is, to be saved under the name that is typed."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(CHOOSE_VIEW)
    TITLE_TEXT = "Views"
    HINT = "Enter open   s save the list as it is now   d delete   Esc close"
    COLUMNS: ClassVar[Sequence[Column[View]]] = (
        Column("own", "", 1, 0, lambda view, _: Cell("★" if view.own else "")),
        Column("name", "VIEW", 20, 0, lambda view, _: Cell(view.name), flexible=True, widest=30),
        Column("order", "ORDER", 12, 1, lambda view, _: Cell(_order(view), "dim")),
        Column(
            "filter", "FILTER", 20, 0, lambda view, _: Cell(view.filter or "every job", "dim"), flexible=True, widest=60
        ),
    )

    def __init__(self, views: Views, now: View) -> None:
        super().__init__()
        self._views = views
        self._now = now

    def more(self) -> ComposeResult:
        """Return the line for the name."""
        name = Input(placeholder="name of the view", max_length=NAME_LENGTH, compact=True)
        name.display = False
        yield name

    def rows(self) -> Sequence[View]:
        """Return the views there are."""
        return self._views.all()

    def chosen(self) -> None:
        """Open the view under the cursor."""
        if self.table.selected is not None:
            self.dismiss(self.table.selected)

    def action_save(self) -> None:
        """Ask for the name."""
        name = self.query_one(Input)
        name.display = True
        name.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Save under the name; an empty one saves nothing."""
        event.stop()
        name = " ".join(event.value.split())
        if name:
            self._views.save(View(name, self._now.filter, self._now.sort, self._now.columns, own=True))
        self._back(name)

    def action_delete(self) -> None:
        """Forget the view under the cursor; those that come along stay."""
        view = self.table.selected
        if view is not None and view.own:
            self._views.delete(view.name)
            self._back("")

    def action_close(self) -> None:
        """Leave the name, then the window."""
        if self.query_one(Input).display:
            self._back("")
        else:
            self.dismiss(None)

    def _back(self, name: str) -> None:
        line = self.query_one(Input)
        line.value = ""
        line.display = False
        self.fill()
        self.cursor_to(name)
        self.table.focus()

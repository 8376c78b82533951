"""What the windows over a screen have in common: a body that scrolls and is no higher than its text."""

from typing import ClassVar, Generic, TypeVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tui.keys.dialogs import DIALOG
from tui.keys.model import bindings

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], Generic[Answer]):
    """A window with a body called ``#body``; escape closes it with None."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(DIALOG)
    AROUND = 8
    """Lines of the terminal that the body leaves free, for the rest of the window and the screen under it."""

    def on_resize(self) -> None:
        """Fit the body once its text is laid out. A container's automatic height ignores what its children may have."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        body = self.query_one("#body", VerticalScroll)
        body.styles.height = max(2, min(body.virtual_size.height, self.size.height - self.AROUND))

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def action_page(self, pages: int) -> None:
        """Scroll the body while a line to type into has the keys."""
        body = self.query_one("#body", VerticalScroll)
        body.scroll_relative(y=pages * max(1, body.size.height - 1), animate=False)

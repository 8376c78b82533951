"""What the windows over a screen have in common: a body that scrolls and is no higher than its text."""

from typing import Generic, TypeVar

from textual.containers import VerticalScroll
from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], Generic[Answer]):
    """A window with a body called ``#body``; escape closes it with None."""

    BINDINGS = [("escape", "close", "close")]  # noqa: RUF012 (as Textual declares it)
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

"""What an action on several jobs did to each of them."""

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from backend.actions.perform import ItemResult
from tui.screens.dialog import Dialog
from tui.views import plain


class Results(Dialog[None]):
    """A list with one line a job, the failed ones first; any of its keys closes it."""

    BINDINGS = [("enter,q", "close", "close")]  # noqa: RUF012 (as Textual declares it)

    def __init__(self, label: str, results: Sequence[ItemResult]) -> None:
        super().__init__()
        self._label = label
        self._results = results

    def compose(self) -> ComposeResult:
        """Put the list together."""
        with Vertical(id="dialog"):
            yield Static(summary(self._label, self._results), id="question")
            with VerticalScroll(id="body"):
                yield Static(result_lines(self._results))
            yield Static(Text("Esc close", style="dim"))

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one("#body").focus()


def summary(label: str, results: Sequence[ItemResult]) -> Text:
    """Return ``clean up: 3 done, 1 not``."""
    done = sum(result.ok for result in results)
    failed = len(results) - done
    return Text(f"{label}: {done} done" + (f", {failed} not" if failed else ""), style="bold")


def result_lines(results: Sequence[ItemResult]) -> Text:
    """Return a line for each job."""
    lines = []
    for result in sorted(results, key=lambda result: (result.ok, result.job_id)):
        glyph = "✓" if result.ok else "✗"
        lines.append(
            Text.assemble((f"{glyph} {result.job_id}", "" if result.ok else "bold"), f"  {plain(result.message)}")
        )
    return Text("\n").join(lines)

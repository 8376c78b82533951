"""The line over the log: whose it is, where it lies, and whether it follows."""

from textual.widgets import Static

from backend.domain.units import format_bytes
from backend.readmodel.records import JobRow
from tui.looks import job_look
from tui.text import Text


class LogTitle(Static):
    """Names the job of the log under it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._job: JobRow | None = None
        self._following = True
        self._unseen = 0
        self._bytes: int | None = None
        self._note = ""

    def job(self, job: JobRow | None) -> None:
        """Name another job."""
        self._job = job
        self._draw()

    def followed(self, following: bool, unseen: int) -> None:
        """Say whether the log follows its end."""
        self._following, self._unseen = following, unseen
        self._draw()

    def noted(self, note: str) -> None:
        """Say why there are no lines."""
        if note != self._note:
            self._note = note
            self._draw()

    def sized(self, size: int) -> None:
        """Say, where the log is alone on the screen, on which node it is and how many bytes it has."""
        if size != self._bytes:
            self._bytes = size
            self._draw()

    def on_resize(self) -> None:
        """Fit into another width."""
        self._draw()

    def _draw(self) -> None:
        said = title(self._job, self._following, self._unseen, self.size.width or 80, self._bytes, self._note)
        self.update(said, layout=False)


def title(
    job: JobRow | None, following: bool, unseen: int, width: int, size: int | None = None, note: str = ""
) -> Text:
    """Return the line: name at the left, how it follows at the right; with ``size`` also state, node and size.

    A ``note`` says why there is nothing that could be followed.
    """
    if job is None:
        return Text(" log")
    state = _place(following, ended=job.state.final) + f", {unseen:,} new below" * bool(unseen and not following)
    right = f"{state} " if size is None else f"{facts(job, size)} · {state} "
    right = f"{note} " if note and size is None else right
    left = f" log of {job.id}  {job.name}"
    room = max(min(width - 1, len(f" log of {job.id}")), width - len(right) - 1)
    text = Text(left, no_wrap=True, overflow="ellipsis")
    text.truncate(room, overflow="ellipsis", pad=True)
    text.append(" ").append(right, style="dim" if following else "bold")
    text.truncate(width, overflow="ellipsis")
    return text


def _place(following: bool, *, ended: bool) -> str:
    """Return where the viewer is; of a job that has ended there is nothing to follow."""
    if ended:
        return "at its end" if following else "above its end"
    return "following" if following else "paused"


def facts(job: JobRow, size: int) -> str:
    """Return the state of a job, its node and the size of its log."""
    look = job_look(job)
    node = [f"node {job.node_name}"] if job.node_name else []
    return " · ".join([f"{look.glyph} {look.word}", *node, format_bytes(size)])

"""The lines over and under a log: whose it is, whether it follows, what is searched, and where the viewer is."""

from dataclasses import dataclass
from datetime import datetime

from rich.style import Style
from textual.widgets import Static

from jobwarden.backend.domain.units import format_bytes
from jobwarden.backend.logs.rows import LogRow
from jobwarden.backend.logs.search import Pattern
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import job_look, role_style


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


# The line under a log: what goes on, what is searched and filtered, and where the viewer is.


@dataclass(frozen=True, slots=True)
class Standing:
    """What the line says."""

    view: LogView
    following: bool
    last: LogRow | None
    search: Pattern | None
    said: str
    wrong: bool


class LogStatus(Static):
    """Hidden while there is nothing to say that the title does not."""

    COMPONENT_CLASSES = {"log--said", "log--wrong", "log--task"}  # noqa: RUF012 (as Textual declares it)

    def show(self, standing: Standing) -> None:
        """Say how things stand."""
        styles = {name: role_style(self, f"log--{name}") for name in ("said", "wrong", "task")}
        self.update(status_line(standing, styles, self.size.width or 80), layout=False)


def status_line(standing: Standing, styles: dict[str, Style], width: int) -> Text:
    """Return the line: what is going on at the left, where it is at the right."""
    # What was said matters more than where that is.
    right = "" if standing.said else where(standing)
    left = Text(" ", no_wrap=True)
    if standing.view.task:
        left.append(f"{standing.view.task}  ", styles["task"])
    if standing.said:
        left.append(f"{standing.said}  ", styles["wrong" if standing.wrong else "said"])
    if standing.view.only is not None:
        left.append(f"& {pattern_text(standing.view.only)}  ")
    if standing.search is not None:
        found = f": {standing.view.matches.words}" if standing.view.matches is not None else ""
        left.append(f"/ {pattern_text(standing.search)}{found}  ")
    left.truncate(max(1, width - len(right)), overflow="ellipsis", pad=True)
    return left.append(right, "dim")


def pattern_text(pattern: Pattern) -> str:
    """Return a pattern as the line names it."""
    ways = [word for word, on in (("expression", pattern.regex), ("any case", pattern.fold)) if on]
    return f"{pattern.text} ({', '.join(ways)})" if ways else pattern.text


def where(standing: Standing) -> str:
    """Return how far down the last line on the screen is, and how much there is.

    >>> where(Standing(LogView(size=2048), False, Row(0, 1024, "x", number=7), None, "", False))
    'line 7 · 50% of 2.0 KiB '
    """
    view, last = standing.view, standing.last
    parts = []
    if view.written is not None:
        parts.append(f"written {datetime.fromtimestamp(view.written):%H:%M:%S}")
    if last is not None and last.number is not None:
        parts.append(f"line {last.number:,}" + (f" of {view.total:,}" if view.total is not None else ""))
    if last is not None and view.size:
        parts.append(f"{last.end / view.size:.0%} of {format_bytes(view.size)}")
    return f"{' · '.join(parts)} " if parts else ""

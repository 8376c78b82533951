"""The line under a log: what goes on, what is searched and filtered, and where the viewer is."""

from dataclasses import dataclass
from datetime import datetime

from rich.style import Style
from textual.widgets import Static

from backend.domain.units import format_bytes
from backend.readmodel.logs.rows import Row
from backend.readmodel.logs.seek import Pattern
from backend.readmodel.logs.view import LogView
from tui.text import Text
from tui.widgets.roles import role_style


@dataclass(frozen=True, slots=True)
class Standing:
    """What the line says."""

    view: LogView
    following: bool
    last: Row | None
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

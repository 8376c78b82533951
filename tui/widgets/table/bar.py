"""The line over a table: what it lists, what is marked or held back; and what it says when nothing is left."""

from textual.widgets import Static

from jobwarden.backend.domain.units import counted
from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import badge_style, role_style
from jobwarden.tui.widgets.header.render import spread
from jobwarden.tui.widgets.table.cursor import Message_
from jobwarden.tui.widgets.table.marks import BarStatus

_WAY = ("/ to edit, Esc to clear", "dim")


def none_matches(what: str, typed: str) -> Message_:
    """Return what to say when no such thing matches.

    >>> none_matches("job", "name:x")[0]
    ('no job matches  name:x', 'plain')
    """
    return [(f"no {what} matches  {typed}", "plain"), ("", "dim"), _WAY]


def could_not_run(error: str) -> Message_:
    """Return what to say when the database could not answer."""
    return [("this filter could not be applied", "failed"), (error, "dim"), _WAY]


class ListBar(Static):
    """Shows the status of a table under a title."""

    COMPONENT_CLASSES = {"bar--filter", "bar--unseen", "bar--marked", "bar--held"}  # noqa: RUF012 (as Textual declares)

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._title = title
        self._status = BarStatus(loaded=False)

    def show(self, status: BarStatus) -> None:
        """Show another status."""
        self._status = status
        self._draw()

    def on_resize(self) -> None:
        """Fit into another width."""
        self._draw()

    def notify_style_update(self) -> None:
        """Draw anew in another theme."""
        super().notify_style_update()
        if self.size.width:
            self._draw()

    def _draw(self) -> None:
        styles = {role: str(badge_style(self, f"bar--{role}")) for role in ("filter", "held")}
        styles |= {role: str(role_style(self, f"bar--{role}")) for role in ("unseen", "marked")}
        self.update(bar(self._title, self._status, self.size.width or 80, styles), layout=False)


def bar(title: str, status: BarStatus, width: int, styles: dict[str, str]) -> Text:
    """Return ``Jobs  state:failed  ◆ 3 marked      ‖ paused, 7 changes pending   ▲ 3 new (g)   12 of 345``."""
    left = Text(f" {title}", style="bold")
    if status.filter:
        left.append("  ").append(f" {status.filter} ", style=styles["filter"])
    if status.sort:
        left.append(f"  {status.sort}")
    if status.marked or status.everything:
        left.append("  ").append(_marked(status), style=styles["marked"])
    parts = [part for part in (_held(status, styles["held"]), _unseen(status, styles["unseen"])) if part]
    return spread(left, Text("   ").join([*parts, Text(_place(status))]), width)


def _marked(status: BarStatus) -> str:
    what = f"all {status.marked:,} that match are" if status.everything else f"{status.marked:,}"
    hidden = f", {status.hidden:,} of them hidden" if status.hidden else ""
    return f"◆ {what} marked{hidden}" + (", range (V ends it)" if status.ranging else "")


def _held(status: BarStatus, style: str) -> Text | None:
    """Say that the list is not as it is in the database."""
    said = [word for word, so in (("stale", status.stale), ("paused", status.paused)) if so]
    if status.pending:
        said.append(f"{counted(status.pending, 'change')} pending")
    if not said:
        return None
    return Text(f" ‖ {', '.join(said)} ", style=style if status.stale or status.paused else "")


def _unseen(status: BarStatus, style: str) -> Text | None:
    return Text(f"▲ {status.unseen:,} new (g)", style=style) if status.unseen else None


def _place(status: BarStatus) -> str:
    if status.reading:
        return "reading …"
    if not status.loaded:
        return ""
    about = "" if status.exact else "~"
    return f"{about}{status.line + 1:,} of {status.total:,}" if status.total else "none"

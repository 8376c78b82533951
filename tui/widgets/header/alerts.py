"""One line that appears while an alert is open: how many there are, and what the newest one says."""

from textual.widgets import Static

from backend.readmodel.snapshot import Snapshot
from tui.looks import ANOMALY_GLYPH
from tui.text import Text


def alert_line(snapshot: Snapshot) -> str:
    """Return what the line says; empty while no alert is open.

    >>> alert_line(Snapshot())
    ''
    """
    if not snapshot.alerts:
        return ""
    newest, number = snapshot.alerts[-1], len(snapshot.alerts)
    many = f"{number:,} alerts, newest" if number > 1 else "1 alert"
    where = f"{', ' if number == 1 else ' '}on {newest.subject}" if newest.subject else ""
    return f" {ANOMALY_GLYPH} {many}{where}: {newest.message}"


class AlertLine(Static):
    """Hidden while no alert is open."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._said = ""
        self.display = False

    def show(self, snapshot: Snapshot) -> None:
        """Say what is open in another snapshot; drawn only when that is something else."""
        said = alert_line(snapshot)
        if said != self._said:
            self._said = said
            self.display = bool(said)
            self.update(Text(said, no_wrap=True, overflow="ellipsis"), layout=False)

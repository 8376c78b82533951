"""What a list that is held back does not show: which jobs changed, so that they can be counted and shown later."""

from dataclasses import replace

from sqlalchemy import Connection

from backend.readmodel import window as windows
from backend.readmodel.hold import Hold
from backend.readmodel.lists import Window, displaced, merge_in_place


class Holding:
    """Remembers the ids of the jobs whose changes are held back from one window."""

    def __init__(self) -> None:
        self._ids: set[int] = set()

    def forget(self) -> None:
        """Begin anew, with another list."""
        self._ids = set()

    def take(self, conn: Connection, window: Window, since: int, hold: Hold) -> Window:
        """Read what changed from transaction ``since`` on and show of it what may be shown."""
        changes = windows.read_changes(conn, window, since)
        changed = (*changes.rows, *changes.left)
        self._ids -= {row.id for row in changed}
        self._ids |= displaced(window, changes.rows, changes.left, hold)
        if hold is Hold.ORDER:
            window = merge_in_place(window, changed)
        return replace(window, pending=len(self._ids))

    def release(self, conn: Connection, window: Window, hold: Hold) -> Window:
        """Show all that was held back, once nothing is held back any more."""
        if hold is not Hold.NONE or not self._ids:
            return window
        self._ids = set()
        return replace(windows.reread(conn, window), pending=0)

"""What reaches a person who looks elsewhere: the bell when something goes wrong, a badge on the window's title."""

from dataclasses import dataclass, field

from backend.harmless import dotted
from backend.readmodel.snapshot import Snapshot
from tui.looks import ANOMALY_GLYPH

LONGEST_TITLE = 200
"""Characters of a window's title."""


@dataclass(slots=True)
class Alarm:
    """Compares snapshots; what was wrong already when the dashboard opened rings no bell."""

    known: frozenset[tuple[int, str]] | None = field(default=None)

    def new(self, snapshot: Snapshot) -> bool:
        """Take a snapshot; returns whether something is wrong that was not before."""
        if not snapshot.loaded:
            return False
        now = frozenset((row.job_id, str(row.kind)) for row in snapshot.anomalies)
        before, self.known = self.known, now
        return before is not None and not now <= before


def title(snapshot: Snapshot) -> str:
    """Return the title of the terminal's window.

    >>> title(Snapshot())
    'jobwarden'
    """
    number = len(snapshot.anomalies)
    return f"{ANOMALY_GLYPH}{number:,} jobwarden" if number else "jobwarden"


def set_title(text: str) -> str:
    """Return the control sequence (OSC 2) that sets the title; nothing in the text can end it early."""
    return f"\x1b]2;{dotted(text, LONGEST_TITLE)}\x07"


PUSH_TITLE, POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"
"""Ask the terminal to remember its title, and to take it again: xterm and most others do."""

"""What a viewer of a log is given: the rows around where it looks, and what is known of the whole."""

from dataclasses import dataclass

from backend.readmodel.logs.requests import LogDesk
from backend.readmodel.logs.rows import Row
from backend.readmodel.logs.seek import Pattern


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request; a viewer acts on each ``serial`` once."""

    serial: int
    goto: int | None = None
    """Go to the row at this offset."""
    clip: str | None = None
    """Text for the clipboard."""
    text: str = ""
    """What to say."""
    error: bool = False


@dataclass(frozen=True, slots=True)
class LogView:
    """A stretch of a log as of now, safe to show."""

    job_id: int = 0
    lines: tuple[str, ...] = ()
    """Text with SGR colours and nothing else (``sgr.runs`` splits it)."""
    size: int = 0
    """Bytes of the whole log."""
    skipped: int = 0
    """Bytes before the first line shown."""
    note: str = ""
    """What to say instead of lines: no log yet, not on this node, not readable."""
    generation: int = 0
    """Changes when the log was replaced or cut, so that a viewer starts anew."""
    rows: tuple[Row, ...] = ()
    """The same lines with what is known of each; empty when nothing is."""
    end: int = 0
    """Where the stretch ends; ``size`` when it reaches the end."""
    arrived: int = 0
    """Lines that came since the log was opened here."""
    since: float | None = None
    """Unix time at which it was opened here: from then on arrivals are known."""
    written: float | None = None
    """Unix time of the last write."""
    total: int | None = None
    """Number of lines, once they are counted."""
    only: Pattern | None = None
    """Only lines that match this are shown."""
    task: str = ""
    """What goes on for longer, and how far it is."""
    outcome: Outcome | None = None
    desk: LogDesk | None = None
    """Takes requests; None when the log cannot be read here."""

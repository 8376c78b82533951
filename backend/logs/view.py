"""What a viewer of a log is given: the rows around where it looks, and what is known of the whole."""

from dataclasses import dataclass

from jobwarden.backend.logs.requests import LogSource
from jobwarden.backend.logs.rows import LogRow
from jobwarden.backend.logs.search import Pattern


@dataclass(frozen=True, slots=True)
class LineMatches:
    """How many lines match what is searched, and the how many-th of them was gone to."""

    total: int
    number: int | None = None
    """From 1; None when it is not known."""
    bound: str = ""
    """Why there may be more: where the count stopped, or that it goes on."""

    @property
    def words(self) -> str:
        """Return it in words.

        >>> Matches(900, 3).words, Matches(10_000, None, " and more").words
        ('3 of 900', '10,000 and more')
        """
        number = "" if self.number is None else f"{self.number:,} of "
        return f"{number}{self.total:,}{self.bound}"


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """What came of a request; a viewer acts on each ``serial`` once."""

    serial: int
    goto: int | None = None
    """Go to the row at this offset."""
    match: bool = False
    """Whether that row is gone to for what it was searched for, which is to be seen then."""
    clip: str | None = None
    """Text for the clipboard; ``text`` says how much it is, the viewer what became of it."""
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
    rows: tuple[LogRow, ...] = ()
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
    matches: LineMatches | None = None
    """What is known of the lines that match the search."""
    task: str = ""
    """What goes on for longer, and how far it is."""
    outcome: RequestOutcome | None = None
    source: LogSource | None = None
    """Takes requests; None when the log cannot be read here."""

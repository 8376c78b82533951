"""What a viewer may ask of a log; every request is served by the thread that reads, in order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from jobwarden.backend.logs.search import Pattern
from jobwarden.backend.queries.models.jobs import JobRow

Direction = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Follow:
    """Stay at the end, or stay where the viewer is while the log grows."""

    on: bool


@dataclass(frozen=True, slots=True)
class Near:
    """The viewer is at this offset: have rows around it."""

    offset: int


@dataclass(frozen=True, slots=True)
class Go:
    """Go to a place as typed (``goto.parse``)."""

    text: str


@dataclass(frozen=True, slots=True)
class Find:
    """Go to the next line that matches, above or below ``start``; ``turn``: else to the nearest the other way."""

    pattern: Pattern
    way: Direction
    start: int
    turn: bool = False


@dataclass(frozen=True, slots=True)
class Unmark:
    """Forget what was searched."""


@dataclass(frozen=True, slots=True)
class Only:
    """Show only lines that match, beginning around ``at`` (None for the end); without a pattern show all again."""

    pattern: Pattern | None
    at: int | None


@dataclass(frozen=True, slots=True)
class Number:
    """Count lines and give rows their numbers, or leave that."""

    on: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """Give the last lines as text."""

    lines: int


@dataclass(frozen=True, slots=True)
class Save:
    """Write the log as it is, byte for byte, into a new file; with a filter, the lines that match, as shown."""

    path: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up what takes long: a search, the way to a line, saving."""


Request = Follow | Near | Go | Find | Unmark | Only | Number | Copy | Save | Cancel


@dataclass(frozen=True, slots=True)
class LogSource:
    """Where a viewer hands in requests for the log of one job; ``ask`` returns at once."""

    job: JobRow
    ask: Callable[[Request], None]

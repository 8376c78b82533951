"""Searches that go on beside the reading of a log: for the next match, for the lines of a filter, for marks."""

import subprocess
from array import array
from bisect import bisect_left
from collections.abc import Sequence

from jobwarden.backend.logs.line_breaks import PIECE
from jobwarden.backend.logs.requests import Direction
from jobwarden.backend.logs.rows import LogRow, Span
from jobwarden.backend.logs.search import Marked, Pattern, SearchReport, Seeker, SeekerEnded
from jobwarden.backend.logs.search_process import Plain

MARK_BYTES = 48 * 1024
"""Characters sent at once to be marked: what a pipe takes without waiting."""
MARK_LINE = 2 * PIECE
"""Characters of a row that are looked at for marks: all it can have."""
MOST_COUNTED = 10_000
"""Matches that are counted ..."""
COUNTED_BYTES = 1024 * 1024 * 1024
"""... and bytes of the log that are looked at for them."""
TOO_SLOW = "this expression takes too long on this log: make it simpler"


class Beside:
    """Owns at most one search process at a time, for one list of patterns."""

    def __init__(self) -> None:
        self._seeker: Seeker | None = None
        self._left: list[subprocess.Popen[bytes]] = []

    @property
    def busy(self) -> bool:
        """Whether an answer is to come."""
        return self._seeker is not None and self._seeker.busy

    def files(self) -> list[int]:
        """Return what becomes readable when an answer has come."""
        return [self._seeker.fileno()] if self._seeker is not None else []

    def stop(self) -> None:
        """Give up and end the process."""
        if self._seeker is not None:
            self._left.append(self._seeker.close())
            self._seeker = None
        self._left = [process for process in self._left if process.poll() is None]

    def _for(self, file: int, patterns: Sequence[Pattern]) -> Seeker:
        """Return an idle process for these patterns; the one there is, when it fits."""
        if self._seeker is None or self._seeker.busy or self._seeker.patterns != tuple(patterns):
            self.stop()
            self._seeker = Seeker(file, patterns)
        return self._seeker

    def _replies(self) -> list[SearchReport | Marked]:
        """Return what came. Raises SeekerEnded once when the process is gone."""
        if self._seeker is None or not self._seeker.busy:
            return []
        try:
            return self._seeker.replies()
        except SeekerEnded:
            self.stop()
            raise


class Finder(Beside):
    """Finds the next line that matches."""

    def __init__(self) -> None:
        super().__init__()
        self.way: Direction = "down"
        self._start = self.stop_at = 0
        self.progress = 0.0

    def go(self, file: int, patterns: Sequence[Pattern], way: Direction, start: int, stop: int) -> None:
        """Begin at ``start``; ``stop`` is where the log ends that way."""
        self.way, self._start, self.stop_at, self.progress = way, start, stop, 0.0
        seeker = self._for(file, patterns)
        (seeker.down if way == "down" else seeker.up)(start, stop, 1)

    def answer(self) -> tuple[bool, int | None]:
        """Return whether it is done, and with which match. Raises SeekerEnded."""
        for reply in self._replies():
            assert isinstance(reply, SearchReport)
            if reply.hits:
                return True, reply.hits[0]
            if reply.done:
                return True, None
            self.progress = abs(reply.at - self._start) / max(1, abs(self.stop_at - self._start))
        return False, None


class Counter(Beside):
    """Counts the lines that match from the beginning of the log on, as far as its bounds, and goes on as it grows."""

    def __init__(self) -> None:
        super().__init__()
        self._patterns: tuple[Pattern, ...] = ()
        self._at = 0
        self._places = array("Q")

    @property
    def matches(self) -> int:
        """Return how many lines matched so far."""
        return len(self._places)

    @property
    def full(self) -> bool:
        """Whether there are more than are counted."""
        return self.matches >= MOST_COUNTED

    @property
    def at_bound(self) -> bool:
        """Whether the rest of the log is not looked at."""
        return self._at >= COUNTED_BYTES

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """Return what is counted; empty for nothing."""
        return self._patterns

    def begin(self, patterns: Sequence[Pattern]) -> None:
        """Count from the beginning: other patterns, none, or another log."""
        self.stop()
        self._patterns, self._at, self._places = tuple(patterns), 0, array("Q")

    def before(self, offset: int) -> int | None:
        """Return how many matches are before an offset; None when it is not looked at yet."""
        return bisect_left(self._places, offset) if offset <= self._at else None

    def wants(self, size: int) -> bool:
        """Whether there is more to look at in a log of this size."""
        idle = bool(self._patterns) and not self.busy and not self.full
        return idle and self._at < min(size, COUNTED_BYTES)

    def go_on(self, file: int, size: int) -> None:
        """Look at what came since, up to ``size``."""
        if self.wants(size):
            stop = min(size, COUNTED_BYTES)
            self._for(file, self._patterns).down(self._at, stop, MOST_COUNTED - self.matches)

    def hear(self) -> bool:
        """Take what was found; whether there was anything. Raises SeekerEnded."""
        replies = self._replies()
        for reply in replies:
            assert isinstance(reply, SearchReport)
            last = self._places[-1] if self._places else -1
            self._places.extend(sorted({hit for hit in reply.hits if hit > last}))
            self._at = reply.at
        return bool(replies)


class Sifter(Beside):
    """Finds the lines of a filter, a batch at a time, up or down."""

    def __init__(self) -> None:
        super().__init__()
        self.way: Direction = "down"
        self._start = self.stop_at = 0
        self.progress = 0.0

    def more(self, file: int, pattern: Pattern, way: Direction, start: int, stop: int, want: int) -> None:
        """Look for ``want`` more lines."""
        self.way, self._start, self.stop_at, self.progress = way, start, stop, 0.0
        seeker = self._for(file, [pattern])
        (seeker.down if way == "down" else seeker.up)(start, stop, want)

    def answers(self) -> list[SearchReport]:
        """Return what was found since. Raises SeekerEnded."""
        found = [reply for reply in self._replies() if isinstance(reply, SearchReport)]
        for reply in found:
            self.progress = abs(reply.at - self._start) / max(1, abs(self.stop_at - self._start))
        return found


class Marker(Beside):
    """Says where the searched text is in rows: at once for a plain text, later for an expression."""

    def __init__(self) -> None:
        super().__init__()
        self.pattern: Pattern | None = None
        self._asked: list[int] = []

    def of(self, text: str) -> tuple[Span, ...] | None:
        """Return the marks of a line as shown, without its colours; None when a process has to be asked."""
        if self.pattern is None:
            return ()
        if self.pattern.regex:
            return None
        return tuple(Plain(self.pattern.text, self.pattern.fold).marks(text[:MARK_LINE]))

    def ask(self, file: int, rows: Sequence[tuple[LogRow, str]]) -> None:
        """Ask for the marks of some rows, given with their texts; as many as one request takes."""
        if self.pattern is None or self.busy or not rows:
            return
        texts, room = [], MARK_BYTES
        for _, text in rows:
            texts.append(text[:MARK_LINE])
            room -= len(texts[-1])
            if room < 0:
                break
        self._asked = [row.start for row, _ in rows[: len(texts)]]
        self._for(file, [self.pattern]).mark(texts)

    def answers(self) -> dict[int, tuple[Span, ...]]:
        """Return the marks that came since, by the start of their row. Raises SeekerEnded."""
        marks: dict[int, tuple[Span, ...]] = {}
        for reply in self._replies():
            assert isinstance(reply, Marked)
            marks.update(zip(self._asked, reply.marks, strict=True))
        return marks

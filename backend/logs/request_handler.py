"""Serves what a viewer asks for: going somewhere, searching, filtering, numbers, copying, saving."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobwarden.backend.config.settings_file import expanded
from jobwarden.backend.domain.units import counted, format_bytes
from jobwarden.backend.errors import InputError
from jobwarden.backend.logs import line_index, requests
from jobwarden.backend.logs.ansi import plain
from jobwarden.backend.logs.loaded_rows import LoadedRows
from jobwarden.backend.logs.long_tasks import Chore, Counting, Saving, SavingSome
from jobwarden.backend.logs.rows import LogRow, row_start, rows_after, rows_before
from jobwarden.backend.logs.search import Pattern, SeekerEnded
from jobwarden.backend.logs.search_jobs import COUNTED_BYTES, Counter, Finder
from jobwarden.backend.logs.timestamps import find_time
from jobwarden.backend.logs.view import LineMatches, RequestOutcome

MOST_COPIED = 10_000
"""Lines that fit a clipboard ..."""
MOST_CLIP = 512 * 1024
"""... and their characters, before terminals refuse."""


class RequestHandler:
    """One handler for each kind of request; ``outcome`` is what came of the last one."""

    def __init__(self, stretch: LoadedRows) -> None:
        self._stretch = stretch
        self._log = stretch.log
        self._finder, self._counter = Finder(), Counter()
        self._found: int | None = None
        self._find: requests.Find | None = None
        self._chore: Chore | None = None
        self.since = 0.0
        """Unix time from which arrivals are known."""
        self.outcome: RequestOutcome | None = None
        self._serve: dict[type[Any], Callable[[Any], None]] = {
            requests.Follow: self._on_follow,
            requests.Near: self._on_near,
            requests.Go: self._on_go,
            requests.Find: self._on_find,
            requests.Unmark: self._on_unmark,
            requests.Only: self._on_only,
            requests.Number: self._on_number,
            requests.Copy: self._on_copy,
            requests.Save: self._on_save,
            requests.Cancel: self._on_cancel,
        }

    @property
    def busy(self) -> bool:
        """Whether ``work`` has something to do at once."""
        return self._chore is not None

    @property
    def task(self) -> str:
        """Return what goes on for longer, and how far it is."""
        if self._chore is not None:
            return f"{self._chore.what} {self._chore.progress:.0%}"
        if self._finder.busy:
            return f"searching {self._finder.progress:.0%}"
        return f"filtering {self._stretch.sifter.progress:.0%}" if self._stretch.sifter.busy else ""

    def files(self) -> list[int]:
        """Return what becomes readable when a search has found something."""
        return [*self._finder.files(), *self._counter.files()]

    def close(self) -> None:
        """Leave nothing that goes on."""
        self.stop()
        self._counter.stop()

    def begin(self) -> None:
        """Count again: this is another log now."""
        self._found = None
        self._counter.begin(self._counter.patterns)

    def stop(self) -> None:
        """Give up what somebody waits for."""
        self._find = None
        self._finder.stop()
        if self._chore is not None:
            chore, self._chore = self._chore, None
            chore.close()

    def handle(self, request: requests.Request) -> None:
        """Serve a request. Raises InputError, OSError and SeekerEnded."""
        self._serve[type(request)](request)

    def tell(self, text: str, **what: Any) -> None:
        """Give the viewer something to act on: see the fields of Outcome."""
        serial = (self.outcome.serial if self.outcome else 0) + 1
        self.outcome = RequestOutcome(serial, text=text, **what)
        self._stretch.changed = True

    def work(self) -> None:
        """Go on with what takes long. Raises OSError and SeekerEnded."""
        self._hear()
        self._count()
        chore = self._chore
        if chore is None:
            return
        self._stretch.changed = True
        if chore.step():
            self.stop()
            chore.finish()

    def lines(self) -> int | None:
        """Return how many lines the log has, when they are counted."""
        size = self._log.size
        if not self._stretch.numbered or not self._stretch.index.complete(size):
            return None
        return self._stretch.index.number_at(self._log.file, size - 1) if size else 0

    def matches(self) -> LineMatches | None:
        """Return what is known of the lines that match the search."""
        counter = self._counter
        if not counter.patterns:
            return None
        number = counter.before(self._found) if self._found is not None else None
        bound = " and more" if counter.full else f" in the first {format_bytes(COUNTED_BYTES)}" * counter.at_bound
        return LineMatches(counter.matches, number or None, bound or " so far" * counter.busy)

    def _count(self) -> None:
        """Go on with the count of matches; an expression that takes too long is not counted."""
        try:
            if self._counter.hear():
                self._stretch.changed = True
            if self._counter.wants(self._log.size):
                self._counter.go_on(self._log.file, self._stretch.finished())
        except SeekerEnded:
            self._counter.begin(())
            self._stretch.changed = True

    def _on_follow(self, request: requests.Follow) -> None:
        self._stretch.follow = request.on
        if request.on and not self._stretch.at_end:
            self._stretch.to_end()

    def _on_near(self, request: requests.Near) -> None:
        self._stretch.follow, self._stretch.place = False, request.offset
        self._stretch.settle()

    def _on_go(self, request: requests.Go) -> None:
        latest = datetime.fromtimestamp(self._log.written, UTC)
        target = line_index.parse(request.text, datetime.now(UTC), latest)
        self.stop()
        if isinstance(target, line_index.Percent):
            self._go(int(self._log.size * target.percent / 100))
        elif isinstance(target, line_index.Line):
            self._chore = Counting(self._log, self._stretch.index, target.number, self._counted)
        else:
            self._go_to_time(target.when, latest)

    def _go_to_time(self, when: datetime, latest: datetime) -> None:
        offset = find_time(self._log.file, self._log.size, when, latest, self._log.cut)
        if offset is None:
            offset = self._stretch.arrivals.offset_at(when.timestamp())
        if offset is None:
            opened = datetime.fromtimestamp(self.since).strftime("%H:%M:%S")
            raise InputError(f"the lines begin with no time, and arrivals are known only since {opened}")
        self._go(offset, "no line is that late: this is the last one" if offset >= self._log.size else "")

    def _go(self, offset: int, text: str = "", *, match: bool = False) -> int:
        """Make the viewer go to the row that contains an offset, the last one for the end; where that begins."""
        size = self._log.size
        start = row_start(self._log.file, min(offset, max(0, size - 1)), size, self._log.cut)
        self._stretch.around(start)
        self.tell(text, goto=start, match=match)
        return start

    def _on_find(self, request: requests.Find) -> None:
        request.pattern.check()
        self.stop()
        if self._stretch.marker.pattern != request.pattern:
            self._stretch.mark(request.pattern)
        self._find = request
        patterns = self._patterns(request.pattern)
        if self._counter.patterns != patterns:
            self._found = None
            self._counter.begin(patterns)
        stop = self._log.size if request.way == "down" else 0
        self._finder.go(self._log.file, patterns, request.way, request.start, stop)

    def _patterns(self, search: Pattern) -> tuple[Pattern, ...]:
        only = self._stretch.only
        return (search, only) if only is not None else (search,)

    def _on_unmark(self, _: requests.Unmark) -> None:
        self._finder.stop()
        self._counter.begin(())
        self._stretch.mark(None)

    def _on_only(self, request: requests.Only) -> None:
        if request.pattern is not None:
            request.pattern.check()
        self.stop()
        self._stretch.sift(request.pattern, request.at)
        if self._stretch.marker.pattern is not None:
            self._counter.begin(self._patterns(self._stretch.marker.pattern))
        if request.at is not None:
            self.tell("", goto=self._stretch.place)

    def _on_number(self, request: requests.Number) -> None:
        self._stretch.numbered = request.on
        if request.on and self._chore is None:
            self._chore = Counting(self._log, self._stretch.index, None, self._counted)

    def _counted(self, number: int | None) -> None:
        """Lines are counted far enough: go where somebody wanted to, and show numbers."""
        self._stretch.numbered = True
        self._stretch.renumber()
        if number is None:
            return
        offset = self._stretch.index.offset_of(self._log.file, number, self._log.size)
        if offset is None or offset >= self._log.size:
            self._go(self._log.size, f"the log has only {counted(self.lines() or 0, 'line')}: this is the last")
        else:
            self._go(offset)

    def _on_copy(self, request: requests.Copy) -> None:
        wanted = min(request.lines, MOST_COPIED)
        rows = self._stretch.rows[-wanted:] if self._stretch.only is not None else self._last(wanted)
        lines = [plain(row.text) for row in rows]
        while sum(map(len, lines)) > MOST_CLIP:
            del lines[: len(lines) // 10 + 1]
        few = len(lines) < len(rows) or wanted < request.lines
        self.tell(
            counted(len(lines), "line") + (" (a clipboard takes no more)" if few else ""),
            clip="".join(f"{line}\n" for line in lines),
        )

    def _last(self, wanted: int) -> list[LogRow]:
        rows: list[LogRow] = []
        low = self._log.size
        while len(rows) < wanted and low > 0 and self._log.size - low < 2 * MOST_CLIP:
            rows[:0] = rows_before(self._log.file, low, wanted - len(rows), self._log.cut)
            low = rows[0].start
        return rows

    def _on_save(self, request: requests.Save) -> None:
        self.stop()
        try:
            path, only = Path(request.path), self._stretch.only
            path = expanded(path) if request.path.startswith("~") else path  # told as it was typed
        except InputError as exc:
            self.tell(str(exc), error=True)
            return
        self._chore = SavingSome(self._log, path, only, self._saved) if only else Saving(self._log, path, self._saved)

    def _saved(self, path: Path, size: int) -> None:
        self.tell(f"{counted(size, 'byte')} saved in {path}")

    def _on_cancel(self, _: requests.Cancel) -> None:
        if self._chore is not None or self._finder.busy:
            self.tell("cancelled")
        self.stop()

    def _hear(self) -> None:
        """Take what the search for a match found."""
        done, hit = self._finder.answer()
        if not done or self._find is None:
            return
        find, self._find = self._find, None
        if hit is not None:
            start = self._go(hit, match=True)
            self._found = rows_after(self._log.file, start, self._log.size, 1, self._log.cut)[0].end
        elif find.turn:
            self._on_find(replace(find, way="down" if find.way == "up" else "up", turn=False))
        else:
            self.tell(f"no match {'below' if find.way == 'down' else 'above'}", error=True)

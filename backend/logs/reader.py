"""Reads one log for one viewer, a small step at a time; never the whole file, and never on the viewer's thread.

What is held is a window of rows around where the viewer is, the line index (below 1 MiB), and the arrival times.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from jobwarden.backend.errors import InputError
from jobwarden.backend.logs.file import FileChange, LogFile
from jobwarden.backend.logs.loaded_rows import LoadedRows
from jobwarden.backend.logs.request_handler import RequestHandler
from jobwarden.backend.logs.requests import LogSource, Request
from jobwarden.backend.logs.search import SeekerEnded
from jobwarden.backend.logs.view import LogView

TOO_SLOW = "the search ended: the expression takes too long on this log, make it simpler"
_DELETED = "the file is deleted: this is what was open"


class LogReader:
    """``step`` reads what there is to read and returns what to show; ``handle`` takes a request. One thread only."""

    def __init__(self, job_id: int, path: Path, missing: str = "no log yet", source: LogSource | None = None) -> None:
        self.path = path
        self.missing = missing
        """What to say while there is no file."""
        self._log = LogFile(path)
        self._stretch = LoadedRows(self._log)
        self._service = RequestHandler(self._stretch)
        self._since: float | None = None
        self._view = LogView(job_id=job_id, source=source)

    @property
    def busy(self) -> bool:
        """Whether another step has work to do at once."""
        return self._service.busy

    @property
    def index_bytes(self) -> int:
        """Return the memory that the line index takes, in bytes."""
        return self._stretch.index.nbytes

    def files(self) -> list[int]:
        """Return descriptors that become readable when another step has work to do."""
        return [*self._service.files(), *self._stretch.sifter.files(), *self._stretch.marker.files()]

    def close(self) -> None:
        """Give everything back."""
        self._service.close()
        self._stretch.stop()
        self._log.close()

    def step(self) -> LogView:
        """Look at the file and go on with what is under way; the same object when there is nothing new to show."""
        try:
            self._look()
        except FileNotFoundError:
            self._say(self.missing)
        except OSError as exc:
            self._say(f"cannot read {self.path}: {exc.strerror}")
        if self._log.is_open:
            self._guarded(self._service.work)
            self._guarded(self._stretch.hear)
            self._publish()
        return self._view

    def handle(self, request: Request) -> None:
        """Begin to serve a request; what comes of it is in the view of the next steps."""
        if self._log.is_open:
            self._guarded(lambda: self._service.handle(request))

    def _guarded(self, action: Callable[[], None]) -> None:
        """Do something for the viewer; what goes wrong is said and given up."""
        try:
            action()
        except InputError as exc:
            self._service.tell(str(exc), error=True)
        except SeekerEnded:
            self._give_up(TOO_SLOW)
        except OSError as exc:
            self._give_up(f"cannot be done: {exc.strerror}")

    def _give_up(self, why: str) -> None:
        self._service.stop()
        self._stretch.stop()
        if self._stretch.marker.pattern is not None and self._stretch.marker.pattern.regex:
            self._stretch.mark(None)
        self._service.tell(why, error=True)

    def _look(self) -> None:
        size = self._log.size
        change = self._log.look()
        if change in (FileChange.OTHER, FileChange.CUT):
            self._begin(change)
        elif change is FileChange.SHORTENED:
            self._stretch.recut()
            self._service.begin()
            self._service.tell("the middle of this log was cut out: it was over its limit")
        elif change is FileChange.GREW:
            self._stretch.grew(size)

    def _begin(self, change: FileChange) -> None:
        """Start at the end of a file that is new to us."""
        replaced = self._since is not None
        self._service.stop()
        self._service.begin()
        self._stretch.begin(replaced=replaced)
        self._since = self._service.since = time.time()
        self._view = replace(self._view, note="", generation=self._view.generation + 1)
        if replaced:
            self._service.tell(
                "the log was cut" if change is FileChange.CUT else "another log took the place of the last"
            )

    def _say(self, note: str) -> None:
        """Show a note instead of lines."""
        self.close()
        self._since = None
        if self._view.note != note:
            view = self._view
            self._view = LogView(view.job_id, note=note, generation=view.generation + 1, source=view.source)

    def _publish(self) -> None:
        task = self._service.task or (_DELETED if self._log.deleted else "")
        if not self._stretch.changed and task == self._view.task:
            return
        self._stretch.changed = False
        window = self._stretch.window
        self._view = replace(
            self._view,
            lines=tuple(row.text for row in window.rows),
            rows=tuple(window.rows),
            size=self._log.size,
            skipped=window.low,
            end=window.high,
            arrived=self._stretch.arrived,
            since=self._since,
            written=self._log.written,
            total=self._service.lines(),
            only=self._stretch.only,
            matches=self._service.matches(),
            task=task,
            outcome=self._service.outcome,
        )

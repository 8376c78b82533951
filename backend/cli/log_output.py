"""The log of one job as ``logs`` prints it: nothing skipped, and nothing in it acts on the terminal."""

import codecs
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from jobwarden.backend.errors import Refused
from jobwarden.backend.files import open_within
from jobwarden.backend.logs.sanitize import live, unfinished
from jobwarden.backend.process.log_truncation import Cut, TruncatedLogReader, read_cut

CHUNK = 256 * 1024
EMPTIED = "the log was cut: it goes on from its new beginning"
REPLACED = "another file has taken the place of the log: it goes on with that one, from its beginning"

Identity = tuple[int, int]
"""Device and inode."""


@dataclass(frozen=True, slots=True)
class _Part:
    file: int
    reader: TruncatedLogReader


class PrintedLog:
    """Reads the log at ``path``, its last ``tail`` lines first; ``tell`` is given a sentence when it begins
    anew, and whether the last line came without its end.

    The job may go on writing to the file it had when another took its name, so that one is read on beside the new one.
    Use as a context. Raises Refused when there is no file that can be read.
    """

    def __init__(self, path: Path, tail: int | None, tell: Callable[[str, bool], None]) -> None:
        self._folder, self._name, self._tell = str(path.parent), path.name, tell
        self._parts: list[_Part] = []
        self._named: Identity | None = None
        self._torn = False
        self._last: _Part | None = None
        try:
            self._open(tail)
        except OSError as exc:
            raise Refused(f"the log {path} cannot be read: {exc.strerror}") from None

    def __enter__(self) -> "PrintedLog":
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._parts:
            os.close(part.file)

    def read(self) -> bytes:
        """The next bytes, with a newline where a torn line is left for good; nothing when there is no more for now."""
        while True:
            for part in self._parts:
                if data := part.reader.read(CHUNK):
                    return self._joined(part, data)
            if not self._replaced():
                return b""

    def _joined(self, part: _Part, data: bytes) -> bytes:
        torn = self._torn and part is not self._last
        self._last, self._torn = part, not data.endswith(b"\n")
        return b"\n" + data if torn else data

    def _emptied(self) -> None:
        self._say(EMPTIED)

    def _say(self, what: str) -> None:
        torn, self._torn = self._torn, False
        self._tell(what, torn)

    def _replaced(self) -> bool:
        """Whether another file has the name now; it is open then."""
        try:
            info = Path(self._folder, self._name).lstat()
        except OSError:
            return False
        if (info.st_dev, info.st_ino) == self._named:
            return False
        self._named = (info.st_dev, info.st_ino)
        try:
            self._open()
        except OSError as exc:
            self._say(f"what has taken the place of the log cannot be read: {exc.strerror}")
            return False
        if len(self._parts) > 2:  # the first is the job's own; one that came and went in between is read to its end
            os.close(self._parts.pop(1).file)
        self._say(REPLACED)
        return True

    def _open(self, tail: int | None = None) -> None:
        file = open_within(self._folder, self._name)
        info = os.fstat(file)
        self._named = (info.st_dev, info.st_ino)
        position = 0 if tail is None else tail_offset(file, tail, read_cut(self._folder, info.st_size))
        self._parts.append(_Part(file, TruncatedLogReader(file, self._folder, position, self._emptied)))


def tail_offset(file: int, lines: int, cut: Cut | None = None) -> int:
    """Where the last ``lines`` lines of the open file begin; an unfinished last line counts as one."""
    end = os.fstat(file).st_size
    if lines == 0:
        return end
    # The newline that ends the last line begins no other.
    position, wanted = max(0, end - 1), lines
    while position > 0:
        if cut is not None and cut.holds(position - 1):
            return cut.start
        start = max(0, position - CHUNK, cut.end if cut is not None and position > cut.end else 0)
        block = os.pread(file, position - start, start)
        found = block.count(b"\n")
        if found >= wanted:
            index = len(block)
            for _ in range(wanted):
                index = block.rindex(b"\n", 0, index)
            return start + index + 1
        wanted -= found
        position = start
    return 0


# A log on a terminal, as it comes: lines look as on the job's own terminal, and nothing in them acts on this one.

LONGEST_SEQUENCE = 64 * 1024
"""Characters of a control sequence that is not complete; of a longer one the rest is text."""

LogSink = Callable[[bytes, bool], None]
"""Takes bytes of the log, and whether there is nothing more for now."""


class TerminalSink:
    """Prints text with colours and with what moves within a line, so that a progress bar is one row that changes.

    Everything is printed when it comes, except half a character or half a control sequence, which waits for its end.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting = ""
        self._coloured = False

    def __call__(self, data: bytes, idle: bool) -> None:
        """Print what is complete."""
        text = self._waiting + self._decoder.decode(data)
        half = unfinished(text)
        half = half if half <= LONGEST_SEQUENCE else 0
        text, self._waiting = text[: len(text) - half], text[len(text) - half :]
        *whole, rest = text.split("\n")
        shown = "".join([*(self._line(line) + self._line_end() for line in whole), self._line(rest)])
        if shown:
            click.echo(shown, nl=False, color=True)

    def _line(self, text: str) -> str:
        shown = live(text)
        self._coloured = self._coloured or "\x1b" in shown
        return shown

    def _line_end(self) -> str:
        """Return the end of a line; colours end with it."""
        coloured, self._coloured = self._coloured, False
        return "\x1b[0m\n" if coloured else "\n"

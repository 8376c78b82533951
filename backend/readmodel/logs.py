"""The end of a job's log, read with pread and made safe to show.

Programs write anything into a log: control sequences that move the cursor or retitle the terminal, binary bytes,
half a UTF-8 character at the end, lines of megabytes. What leaves this module is lines of printable text with SGR
colours and nothing else.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TAIL_BYTES = 64 * 1024
"""How much of the end is read when a log is opened."""
READ_BYTES = 256 * 1024
"""Most that is read at once while following; older bytes of a faster log are skipped."""
LINES_KEPT = 2000
"""Lines kept for scrolling back."""
LINE_CHARACTERS = 2000
"""Characters shown of one line."""

_ESCAPE = re.compile(
    r"\x1b\[[0-9;:]*m"  # SGR, kept
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # any other CSI
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC with their text
    r"|\x1b[ -/]*[0-~]?"  # two-character escapes
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
_SGR = re.compile(r"\x1b\[[0-9;:]*m")


@dataclass(frozen=True, slots=True)
class LogView:
    """The end of a log as of now. ``skipped`` is the number of bytes before the first line shown."""

    job_id: int = 0
    lines: tuple[str, ...] = ()
    size: int = 0
    skipped: int = 0
    note: str = ""
    """What to say instead of lines: no log yet, not on this node, not readable."""
    generation: int = 0
    """Changes when the log was replaced or cut, so that a viewer starts anew."""


def harmless(text: str) -> str:
    """Return text without any control sequence but SGR colours; other control characters become visible pictures.

    >>> harmless("a\\x1b[31mred\\x1b[0m\\x1b[2Jb\\x07")
    'a\\x1b[31mred\\x1b[0mb␇'
    """
    return _ESCAPE.sub(lambda match: _replacement(match[0]), text)


def _replacement(found: str) -> str:
    if found[0] == "\x1b":
        return found if _SGR.fullmatch(found) else ""
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "·"


def show_line(line: str) -> str:
    """Make one line safe to show: the last state of a line redrawn with CR, tabs as blanks, cut when very long."""
    line = line.rstrip("\r")
    if "\r" in line:
        line = line.rsplit("\r", 1)[1]
    cut = len(line) - LINE_CHARACTERS
    if cut > 0:
        line = line[:LINE_CHARACTERS]
    shown = harmless(line.expandtabs(8))
    return f"{shown}\x1b[0m … {cut:,} more characters" if cut > 0 else shown


class LogTail:
    """Follows the end of one log file by pread; every call returns at once. Not for use by two threads at a time."""

    def __init__(self, job_id: int, path: Path, missing: str = "no log yet") -> None:
        self.path = path
        self.missing = missing
        """What to say while there is no file."""
        self._view = LogView(job_id=job_id)
        self._file: int | None = None
        self._inode = 0
        self._offset = 0
        self._partial = b""

    def read(self) -> LogView:
        """Return the log as it is now; the same object when nothing changed."""
        try:
            self._open()
            self._advance()
        except FileNotFoundError:
            self._say(self.missing)
        except OSError as exc:
            self._say(f"cannot read {self.path}: {exc.strerror}")
        return self._view

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _say(self, note: str) -> None:
        self.close()
        if self._view.note != note:
            self._view = LogView(self._view.job_id, note=note, generation=self._view.generation + 1)

    def _open(self) -> None:
        """Open the file, or open it anew when another one took its name."""
        inode = self.path.stat().st_ino
        if self._file is not None and inode == self._inode:
            return
        self.close()
        self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self._inode = inode
        self._start(os.fstat(self._file).st_size)

    def _start(self, size: int) -> None:
        """Begin at the last TAIL_BYTES of a file of ``size`` bytes, after the line that is cut there."""
        self._offset = max(0, size - TAIL_BYTES)
        self._partial = b""
        self._view = LogView(self._view.job_id, skipped=self._offset, generation=self._view.generation + 1)

    def _advance(self) -> None:
        assert self._file is not None
        size = os.fstat(self._file).st_size
        if size < self._offset or size > self._offset + READ_BYTES:
            self._start(size)
        if size == self._offset:
            return
        data = os.pread(self._file, READ_BYTES, self._offset)
        first_read = not self._view.lines and not self._partial and self._view.skipped > 0
        self._offset += len(data)
        self._append(data, drop_first=first_read)

    def _append(self, data: bytes, *, drop_first: bool) -> None:
        """Add bytes: whole lines are settled, an unfinished last one is shown and kept to go on with."""
        *whole, rest = (self._partial + data).split(b"\n")
        if drop_first and whole:
            del whole[0]
        settled = self._view.lines[:-1] if self._partial else self._view.lines
        self._partial = rest[-READ_BYTES:]
        shown = [*settled, *_decode(whole), *(_decode([rest]) if rest else ())][-LINES_KEPT:]
        self._view = LogView(
            self._view.job_id, tuple(shown), self._offset, self._view.skipped, generation=self._view.generation
        )


def _decode(lines: Iterable[bytes]) -> list[str]:
    return [show_line(line.decode("utf-8", "replace")) for line in lines]

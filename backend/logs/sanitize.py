"""Text of a log made safe to show: printable characters with SGR colours, and nothing else.

Programs write anything: control sequences that move the cursor, retitle the terminal or fill its clipboard, binary
bytes, characters that reverse the direction of what follows. Of all sequences only SGR survives, and of SGR only what
changes how letters look; "conceal" and "blink" do not, because hidden text deceives. What moves the cursor within its
line (CR, backspace, erasing) is obeyed, so that a line reads as the job's own terminal would have shown it.

``show_line`` says what is shown of a line: to the reader, the search, the filter and everything that is copied.
It also runs in the process of a search: nothing is imported here that takes long.
"""

import re

from jobwarden.backend.harmless import FORMAT, MARKS, MOST_MARKS, is_harmless
from jobwarden.backend.logs.ansi import SGR, kept, plain
from jobwarden.backend.logs.cells import Cells

TAB = 8
"""Columns between two tab stops."""

SEQUENCE = (
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]?"  # CSI
    r"|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC with their text
    r"|[ -/]*[0-~]?)"  # two-character escapes
)
"""One control sequence, also one that is not complete."""
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\n]*\x1b?|[ -/]*)\Z")
_UNSAFE = re.compile(
    rf"{SEQUENCE}"
    rf"|[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{FORMAT}]"
    rf"|[{MARKS}]{{{MOST_MARKS + 1},}}"
)
MOVE = r"\x1b\[(\d{0,4})([KJCDG`XP@])"
"""A sequence that moves within the line, or changes what is there: its number and its letter."""
_MOVE = re.compile(MOVE)
_MOVES = re.compile(rf"[\r\b]|{MOVE}")


def harmless(text: str) -> str:
    """Return text without any control sequence but SGR colours; other control characters become visible pictures.

    >>> harmless("a\\x1b[31mred\\x1b[0m\\x1b[2Jb\\x07")
    'a\\x1b[31mred\\x1b[0mb␇'
    """
    return _UNSAFE.sub(lambda match: _replacement(match[0]), text)


def live(text: str) -> str:
    """Return text for a terminal that shows it as it comes: as ``harmless``, and what moves within a line is kept.

    >>> live("10%\\r\\x1b[K20%\\x1b[1A")
    '10%\\r\\x1b[K20%'
    """
    return _UNSAFE.sub(lambda match: _moving(match[0]) or _replacement(match[0]), text)


def unfinished(text: str) -> int:
    """Return how many characters at the end belong to a sequence that is not complete."""
    found = _UNFINISHED.search(text)
    return len(found[0]) if found else 0


def show_line(line: str) -> str:
    """Make one line safe to show: as a terminal would show it once it is complete, tabs as blanks."""
    line = line.rstrip("\r\n")
    if is_harmless(line):
        return line
    line = line.replace("\n", "\u2028")
    return _redrawn(line) if _MOVES.search(line) else _expanded(harmless(line))


def show_bytes(line: bytes) -> str:
    """Make one line of bytes safe to show; what is not UTF-8 becomes replacement characters."""
    return show_line(line.decode("utf-8", "replace"))


def text_of(line: bytes) -> str:
    """Return what is shown of a line of bytes, without its colours: what can be searched and copied."""
    return plain(show_bytes(line))


def _replacement(found: str) -> str:
    if found[0] == "\x1b":
        return kept(found) if SGR.fullmatch(found) else ""
    if len(found) > MOST_MARKS:
        return found[:MOST_MARKS]
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "·"


def _moving(found: str) -> str:
    """Return what moves within a line as a terminal gets it; empty for everything else."""
    if found in "\r\b":
        return found
    move = _MOVE.fullmatch(found)
    if move is None:
        return ""
    if move[2] == "J":  # of what is to be erased on the screen, only the rest of this line
        return "\x1b[K" if move[1] in ("", "0") else ""
    return found


def _redrawn(line: str) -> str:
    """Obey what moves within the line."""
    cells, begin = Cells(TAB), 0
    for match in _UNSAFE.finditer(line):
        cells.write(line[begin : match.start()])
        begin = match.end()
        if moving := _moving(match[0]):
            move = _MOVE.fullmatch(moving)
            cells.control(move[2], move[1]) if move else cells.control(moving)
        else:
            cells.write(_replacement(match[0]))
    cells.write(line[begin:])
    return cells.text()


def _expanded(line: str) -> str:
    """Replace tabs by blanks up to the next stop; colours take no column."""
    if "\t" not in line:
        return line
    column, parts = 0, []
    for part in re.split(r"(\x1b\[[0-9;:]*m|\t)", line):
        shown = " " * (TAB - column % TAB) if part == "\t" else part
        column += 0 if part.startswith("\x1b") else len(shown)
        parts.append(shown)
    return "".join(parts)

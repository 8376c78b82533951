"""Text of a log made safe to show: printable characters with SGR colours, and nothing else.

Programs write anything: control sequences that move the cursor, retitle the terminal or fill its clipboard, binary
bytes, characters that reverse the direction of what follows. Of all sequences only SGR survives, and of SGR only what
changes how letters look; "conceal" and "blink" do not, because hidden text deceives.
"""

import re

from backend.harmless import FORMAT, MARKS, MOST_MARKS
from backend.readmodel.logs.sgr import SGR, kept

TAB = 8
"""Columns between two tab stops."""

_UNSAFE = re.compile(
    r"\x1b\[[0-9;:]*m"  # SGR, of which the known part is kept
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # any other CSI
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC with their text
    r"|\x1b[ -/]*[0-~]?"  # two-character escapes
    rf"|[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{FORMAT}]"
    rf"|[{MARKS}]{{{MOST_MARKS + 1},}}"
)


def harmless(text: str) -> str:
    """Return text without any control sequence but SGR colours; other control characters become visible pictures.

    >>> harmless("a\\x1b[31mred\\x1b[0m\\x1b[2Jb\\x07")
    'a\\x1b[31mred\\x1b[0mb␇'
    """
    return _UNSAFE.sub(lambda match: _replacement(match[0]), text)


def _replacement(found: str) -> str:
    if found[0] == "\x1b":
        return kept(found) if SGR.fullmatch(found) else ""
    if len(found) > MOST_MARKS:
        return found[:MOST_MARKS]
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "·"


def show_line(line: str) -> str:
    """Make one line safe to show: of a line redrawn with CR its last state, tabs as blanks."""
    line = line.rstrip("\r\n")
    if "\r" in line:
        line = line.rsplit("\r", 1)[1]
    return _expanded(harmless(line.replace("\n", "\u2028")))


def show_bytes(line: bytes) -> str:
    """Make one line of bytes safe to show; what is not UTF-8 becomes replacement characters."""
    return show_line(line.decode("utf-8", "replace"))


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

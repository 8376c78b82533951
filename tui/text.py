"""Text on the screen: the one way for words to get there, and the last filter before the terminal."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Self

from rich import text as rich_text
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from jobwarden.backend.harmless import dotted, hide_password, is_harmless

WIDEST = 48
"""Characters of one path that are shown whole."""

_SHIM = re.compile(r"^\S*/jobwarden-shim (?P<folder>.*?/\d+) .* (?=(?P=folder)/job_\d+\.sh)")


def shown_command(cmdline: str) -> str:
    """Return a command line without our shim before it, with the middle of long paths left out.

    The shim is started as ``jobwarden-shim FOLDER WORK_DIR FOLDER/job_ID.sh ARGUMENTS``: the job is what is last.

    >>> shown_command("/opt/backend/process/jobwarden-shim /spool/7 / /spool/7/job_35.sh --epochs 10")
    '/spool/7/job_35.sh --epochs 10'
    """
    return " ".join(elided(word) for word in _SHIM.sub("", cmdline, count=1).split(" "))


def elided(path: str) -> str:
    """Return a long path with its first and last directories, so that the name of the file is always there.

    >>> elided("/var/lib/jobwarden/installations/production/spool/node1/35/job_35.sh")
    '/var/…/35/job_35.sh'
    """
    parts = path.split("/")
    if len(path) <= WIDEST or not path.startswith("/") or len(parts) < 6:
        return path
    return "/".join([*parts[:2], "…", *parts[-2:]])


LONGEST = 4096
"""Characters of one piece of text that are drawn: a screen has fewer."""
LONGEST_NOTE = 500
"""Characters of a note in the corner."""
NEWLINE = "\n"


def clean(text: str) -> str:
    """Return what may be drawn of a text. Line breaks alone are layout, within other words one is somebody's trick."""
    return dotted(text, LONGEST) if text.strip(NEWLINE) else text


def note(text: str) -> str:
    """Return a message, often of a server, as one short line without passwords."""
    return dotted(" ".join(hide_password(text[: 2 * LONGEST_NOTE]).split()), LONGEST_NOTE)


class Text(rich_text.Text):
    """Rich's text without anything a terminal would obey."""

    def __init__(self, text: str = "", style: str | Style = "", **how: Any) -> None:
        super().__init__(clean(text), style, **how)

    def append(self, text: rich_text.Text | str, style: str | Style | None = None) -> Self:
        """Add text at the end."""
        super().append(clean(text) if isinstance(text, str) else text, style)
        return self

    def append_text(self, text: rich_text.Text) -> Self:
        """Add a text with its styles at the end."""
        super().append_text(text)
        return self

    @classmethod
    def assemble(cls, *parts: "str | Text | tuple[str, str | Style]", no_wrap: bool | None = None) -> "Text":  # type: ignore[override]
        """Return the parts as one text."""
        whole = cls(no_wrap=no_wrap)
        for part in parts:
            whole.append(*part) if isinstance(part, tuple) else whole.append(part)
        return whole

    def join(self, lines: Iterable[rich_text.Text]) -> "Text":
        """Return the lines as one text, with this one between them."""
        whole = self.blank_copy()
        for number, line in enumerate(lines):
            if number and self.plain:
                whole.append_text(self)
            whole.append_text(line)
        return whole

    def blank_copy(self, plain: str = "") -> "Text":
        """Return another text with the same look: Rich joins with it."""
        blank = Text(
            "", self.style, justify=self.justify, overflow=self.overflow, no_wrap=self.no_wrap, end=self.end,
            tab_size=self.tab_size,
        )  # fmt: skip
        blank.plain = plain  # was made harmless when it came in; its line breaks are our own
        return blank

    def copy(self) -> "Text":
        """Return a text that changes without this one."""
        made = self.blank_copy(self.plain)
        made.spans = list(self.spans)
        return made


class Harmless(LineFilter):
    """The last look at what is drawn: no control character and no link reaches the terminal, whatever drew it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line as they may be written."""
        if is_harmless("".join([text for text, _, _ in segments])) and not _linked(segments):
            return segments
        return [Segment(dotted(text), style and style.update_link(None)) for text, style, _ in segments]


def _linked(segments: Sequence[Segment]) -> bool:
    return any(style is not None and style.link is not None for _, style, _ in segments)

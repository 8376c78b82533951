"""A log on a terminal, as it comes: lines look as on the job's own terminal, and nothing in them acts on this one."""

import codecs
from collections.abc import Callable

import click

from backend.readmodel.logs.safe import live, unfinished

LONGEST_SEQUENCE = 64 * 1024
"""Characters of a control sequence that is not complete; of a longer one the rest is text."""

Sink = Callable[[bytes, bool], None]
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

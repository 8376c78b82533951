"""A search that goes on beside the screen: the parent's side of ``seeker``."""

import contextlib
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobwarden.backend.errors import InputError
from jobwarden.backend.logs.rows import Span

_PROGRAM = Path(__file__).with_name("search_process.py")
_LONGEST_PATTERN = 1000


@dataclass(frozen=True, slots=True)
class Pattern:
    """What to search for. ``fold``: whatever the case of the letters (of ASCII letters in a plain text)."""

    text: str
    regex: bool = False
    fold: bool = False

    def check(self) -> None:
        """Raise InputError when this is no pattern."""
        if len(self.text) > _LONGEST_PATTERN:
            raise InputError(f"the text is longer than {_LONGEST_PATTERN} characters")
        if not self.regex:
            return
        try:
            with warnings.catch_warnings(action="ignore"):  # they would be printed across the screen
                re.compile(self.text)
        except (re.error, RecursionError, OverflowError) as exc:
            raise InputError(f"not a regular expression: {exc}") from None


@dataclass(frozen=True, slots=True)
class SearchReport:
    """A report: new matches, nearest first, and how far the search is."""

    hits: tuple[int, ...]
    at: int
    done: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """Where a pattern is in each of the lines that were asked about."""

    marks: tuple[tuple[Span, ...], ...]


class SeekerEnded(Exception):  # noqa: N818 (says what happened)
    """The process of a search is gone: its pattern takes too long on one block, or somebody killed it."""


class Seeker:
    """Searches the open ``file`` for lines that match all patterns; serves one request at a time."""

    def __init__(self, file: int, patterns: Sequence[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self.busy = False
        self._partial = b""
        # Nothing of the environment matters to it, and -I -S make it start in some 20 ms.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(file,),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        os.set_blocking(self._output.fileno(), False)
        self._send({"file": file, "patterns": [_as_json(pattern) for pattern in patterns]})

    def fileno(self) -> int:
        """Return what becomes readable when there is a reply."""
        return self._output.fileno()

    def down(self, start: int, stop: int, want: int) -> None:
        """Ask for the first ``want`` lines from ``start`` to ``stop``; each hit lies somewhere in its line."""
        self._ask({"do": "down", "start": start, "stop": stop, "want": want})

    def up(self, start: int, stop: int, want: int) -> None:
        """Ask for the last ``want`` lines that end at or before ``start``, back to ``stop``."""
        self._ask({"do": "up", "start": start, "stop": stop, "want": want})

    def mark(self, texts: Sequence[str]) -> None:
        """Ask where the first pattern is in some lines."""
        self._ask({"do": "marks", "texts": list(texts)})

    def replies(self) -> list[SearchReport | Marked]:
        """Return what came since; returns at once. Raises SeekerEnded when nothing more will come."""
        data = self._output.read()
        if data == b"":
            raise SeekerEnded
        *lines, self._partial = (self._partial + (data or b"")).split(b"\n")
        return [self._reply(line) for line in lines]

    def close(self) -> subprocess.Popen[bytes]:
        """End the search by leaving it alone; the returned process is to be waited for when it is gone."""
        self._output.close()
        with contextlib.suppress(BrokenPipeError):  # it may be gone already
            self._input.close()
        return self._process

    def _reply(self, line: bytes) -> SearchReport | Marked:
        reply = json.loads(line)
        if "marks" in reply:
            self.busy = False
            return Marked(tuple(tuple((begin, end) for begin, end in one) for one in reply["marks"]))
        self.busy = not reply["done"]
        return SearchReport(tuple(reply["hits"]), reply["at"], reply["done"])

    def _ask(self, request: dict[str, object]) -> None:
        self.busy = True
        self._send(request)

    def _send(self, request: dict[str, object]) -> None:
        try:
            self._input.write(json.dumps(request).encode() + b"\n")
            self._input.flush()
        except BrokenPipeError:
            raise SeekerEnded from None


def _as_json(pattern: Pattern) -> dict[str, object]:
    return {"text": pattern.text, "regex": pattern.regex, "fold": pattern.fold}

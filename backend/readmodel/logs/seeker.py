"""Searches one open file for lines that match; a program of its own, started by ``seek.Seeker``.

It is another process for three reasons: a regular expression can take for ever and Python cannot interrupt it, so an
alarm ends this process instead; a search of gigabytes must not hold the interpreter's lock against the keyboard; and
giving up is closing a pipe. It imports nothing but the standard library and is started without site packages.

Standard input: one line of JSON ``{"file": number, "patterns": [{"text", "regex", "fold"}]}``, then requests, one a
line: ``{"do": "down" | "up", "start", "stop", "want"}`` or ``{"do": "marks", "texts"}``. Standard output: lines of
JSON ``{"hits": [offset of a match], "at", "done": bool}``, where ``at`` is how far it is, in the last report ``stop``
or the last hit; or ``{"marks": [[[from, to], ...], ...]}``.
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

LONGEST = 4.0
"""Seconds of real time that one block may take before the process ends."""
SMALLEST, LARGEST = 256 * 1024, 1024 * 1024
"""Bytes of the first block, so that a near match is found at once, and of all others once a search goes far."""
OVERLAP = 4096
"""Bytes of a line without end that are looked at again with what follows."""
TELL_EVERY = 0.05
"""Seconds between two reports of how far it is."""
MOST_MARKS = 100
"""Marks in one line."""

_SEQUENCE = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")

Matches = Callable[[bytes], bool]


class Plain:
    """Finds a text as it is, or whatever the case of its ASCII letters."""

    def __init__(self, text: str, fold: bool) -> None:
        self._fold = fold
        self._needle = text.encode().lower() if fold else text.encode()
        self._text = text.lower() if fold else text

    def hits(self, block: bytearray, size: int) -> Iterator[int]:
        """Yield a place in each line of the first ``size`` bytes that matches."""
        if block.find(b"\x1b", 0, size) >= 0:
            yield from self._among_sequences(bytes(memoryview(block)[:size]))
            return
        data = memoryview(block)[:size].tobytes().lower() if self._fold else block
        yield from _each_line(data, self._needle, size)

    def _among_sequences(self, block: bytes) -> Iterator[int]:
        """A colour in the midst of a text does not hide it."""
        clean = _SEQUENCE.sub(b"", block)
        if self._fold:
            clean = clean.lower()
        position = line = counted = 0
        for found in _each_line(clean, self._needle, len(clean)):
            newlines = clean.count(b"\n", counted, found)
            position, line, counted = _skip(block, position, newlines), line + newlines, found
            yield position

    def matches(self, line: bytes) -> bool:
        """Whether one line without sequences matches."""
        return self._needle in (line.lower() if self._fold else line)

    def marks(self, text: str) -> list[tuple[int, int]]:
        """Return where the text is in a line as shown."""
        text = text.lower() if self._fold else text
        found = text.find(self._text)
        marks: list[tuple[int, int]] = []
        while found >= 0 and len(marks) < MOST_MARKS:
            marks.append((found, found + len(self._text)))
            found = text.find(self._text, found + len(self._text))
        return marks


class Regex:
    """Finds what a regular expression of Python matches within a line."""

    def __init__(self, text: str, fold: bool) -> None:
        self._regex = re.compile(text, re.IGNORECASE if fold else 0)

    def hits(self, block: bytearray, size: int) -> Iterator[int]:
        """Yield the beginning of each line of the first ``size`` bytes that matches."""
        data = memoryview(block)[:size].tobytes()
        search, position = self._regex.search, 0
        simple = data.isascii() and b"\x1b" not in data
        for line in data.split(b"\n"):
            text = line.decode("ascii") if simple else _SEQUENCE.sub(b"", line).decode("utf-8", "replace")
            if search(text) and position < size:
                yield position
            position += len(line) + 1

    def matches(self, line: bytes) -> bool:
        """Whether one line without sequences matches."""
        return self._regex.search(line.decode("utf-8", "replace")) is not None

    def marks(self, text: str) -> list[tuple[int, int]]:
        """Return where the expression matches in a line as shown."""
        found = (match.span() for match in self._regex.finditer(text))
        return [span for span, _ in zip(found, range(MOST_MARKS), strict=False) if span[0] < span[1]]


def _each_line(data: bytes | bytearray, needle: bytes, size: int) -> Iterator[int]:
    found = data.find(needle, 0, size)
    while found >= 0:
        yield found
        end = data.find(b"\n", found, size)
        found = data.find(needle, end + 1, size) if end >= 0 else -1


def _skip(block: bytes, position: int, newlines: int) -> int:
    """Return where the line begins that comes ``newlines`` lines after the one of ``position``."""
    for _ in range(newlines):
        position = block.index(b"\n", position) + 1
    return position


class Search:
    """Goes through the file in blocks of whole lines and reports what it finds."""

    def __init__(self, file: int, patterns: list[Plain | Regex]) -> None:
        self._file = file
        self._first, *self._others = patterns
        self._buffer = bytearray(LARGEST)
        self._told = 0.0

    def run(self, request: dict[str, Any]) -> None:
        """Serve one request."""
        if request["do"] == "marks":
            _alarm()
            _say({"marks": [self._first.marks(text) for text in request["texts"]]})
            return
        self._told = time.monotonic()
        (self._down if request["do"] == "down" else self._up)(request["start"], request["stop"], request["want"])

    def _down(self, position: int, stop: int, want: int) -> None:
        """Search from ``position`` to ``stop``, nearest first; an unfinished last line counts."""
        hits: list[int] = []
        length, found, last = SMALLEST, 0, position
        while position < stop and found < want:
            _alarm()
            size = self._read(position, min(length, stop - position))
            if size == 0:
                break
            cut = self._buffer.rfind(b"\n", 0, size) + 1
            body = size if cut == 0 or position + size >= stop else cut
            new = [position + hit for hit in self._hits(body, want - found)]
            hits += new
            found, last = found + len(new), new[-1] if new else last
            position += body if cut or position + size >= stop else max(1, size - OVERLAP)
            length = LARGEST
            hits = self._tell(hits, position)
        _say({"hits": hits, "at": stop if found < want else last, "done": True})

    def _up(self, position: int, stop: int, want: int) -> None:
        """Search back from ``position``, where a line begins or the file ends, to ``stop``, nearest first."""
        hits: list[int] = []
        length, found, last = SMALLEST, 0, position
        while position > stop and found < want:
            _alarm()
            start = max(stop, position - length)
            size = self._read(start, position - start)
            if size == 0:
                break
            cut = 0 if start == stop else self._buffer.find(b"\n", 0, size - 1) + 1
            new = [start + cut + hit for hit in self._hits(size, sys.maxsize, cut)][-(want - found) :]
            hits += reversed(new)
            found, last = found + len(new), new[0] if new else last
            position = start + cut if cut or start == stop else min(position - 1, start + OVERLAP)
            length = LARGEST
            hits = self._tell(hits, position)
        _say({"hits": hits, "at": stop if found < want else last, "done": True})

    def _read(self, position: int, size: int) -> int:
        return os.preadv(self._file, [memoryview(self._buffer)[:size]], position)

    def _hits(self, size: int, most: int, cut: int = 0) -> list[int]:
        """Return places in lines that match every pattern; relative to ``cut``."""
        block = self._buffer if cut == 0 else self._buffer[cut:size]
        hits = []
        for hit in self._first.hits(block, size - cut):
            if not self._others or self._all_match(block, hit, size - cut):
                hits.append(hit)
                if len(hits) >= most:
                    break
        return hits

    def _all_match(self, block: bytearray, hit: int, size: int) -> bool:
        end = block.find(b"\n", hit, size)
        line = bytes(block[block.rfind(b"\n", 0, hit) + 1 : end if end >= 0 else size])
        clean = _SEQUENCE.sub(b"", line)
        return all(other.matches(clean) for other in self._others)

    def _tell(self, hits: list[int], position: int) -> list[int]:
        """Report now and then, also to notice that nobody listens any more; returns what is still to be reported."""
        if time.monotonic() - self._told < TELL_EVERY:
            return hits
        self._told = time.monotonic()
        _say({"hits": hits, "at": position, "done": False})
        return []


def _alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, LONGEST)


def _say(reply: dict[str, Any]) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve requests until standard input ends."""
    setting = json.loads(sys.stdin.readline())
    patterns = [(Regex if one["regex"] else Plain)(one["text"], one["fold"]) for one in setting["patterns"]]
    search = Search(setting["file"], patterns)
    try:
        for line in sys.stdin:
            search.run(json.loads(line))
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more, and flushing standard output would fail again


if __name__ == "__main__":
    main()

"""Searches one open file for lines that match; a program of its own, started by ``seek.Seeker``.

What it looks at is what is shown: each row as ``safe.text_of`` has it.

It is another process for three reasons: a regular expression can take for ever and Python cannot interrupt it, so an
alarm ends this process instead; a search of gigabytes must not hold the interpreter's lock against the keyboard; and
giving up is closing a pipe. It imports little and is started without site packages, so that it starts at once.

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
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))  # it is started without any path

from jobwarden.backend.harmless import FORMAT, MARKS
from jobwarden.backend.logs.line_breaks import PIECE, pieces
from jobwarden.backend.logs.sanitize import MOVE, SEQUENCE, text_of

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

_SEQUENCE = re.compile(SEQUENCE.encode())
_MOVE = re.compile(MOVE.encode())
_STAND_INS = re.compile(rf"[^\x20-\U0010ffff]|[\x7f-\xa0·\u2400-\u2421\ufffd\ud800-\udfff{FORMAT}{MARKS}]")
"""Characters that are shown in place of others, or not as they are written: bytes alone do not tell where they are."""
_SIMPLE = bytes([10, *range(32, 127)])
"""Bytes that are shown as they are, and newline."""
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class Plain:
    """Finds a text as it is, or whatever the case of its ASCII letters."""

    def __init__(self, text: str, fold: bool) -> None:
        self._fold = fold
        self._text = text.translate(_LOWER) if fold else text
        self._needle = self._text.encode()
        self._as_written = not _STAND_INS.search(text)

    def hits(self, block: bytearray, size: int, base: int = 0) -> Iterator[int]:
        """Yield a place in each row of the first ``size`` bytes, which lie at ``base`` in the file, that matches."""
        blanks = b" " in self._needle and block.find(b"\t", 0, size) >= 0
        moves = block.find(b"\b", 0, size) >= 0 or block.count(b"\r", 0, size) > block.count(b"\r\n", 0, size)
        bare = self._as_written and not blanks and not moves
        if bare and block.find(b"\x1b", 0, size) < 0:
            yield from _each_line(self._folded(block, size), self._needle, size)
        elif not bare or _MOVE.search(block, 0, size):
            yield from _matching(bytes(memoryview(block)[:size]), base, self.matches)
        else:
            yield from self._among_sequences(bytes(memoryview(block)[:size]), base)

    def _folded(self, block: bytearray, size: int) -> bytes | bytearray:
        return memoryview(block)[:size].tobytes().lower() if self._fold else block

    def _among_sequences(self, block: bytes, base: int) -> Iterator[int]:
        """Look only at those rows closely that may match once their sequences are gone."""
        clean = _SEQUENCE.sub(b"", block)
        clean = clean.lower() if self._fold else clean
        position = counted = 0
        for found in _each_line(clean, self._needle, len(clean)):
            position, counted = _skip(block, position, clean.count(b"\n", counted, found)), found
            end = block.find(b"\n", position)
            line = block[position : end if end >= 0 else len(block)]
            yield from (position + hit for hit in _matching(line, base + position, self.matches))

    def matches(self, row: str) -> bool:
        """Whether what is shown of a row matches."""
        return self._text in (row.translate(_LOWER) if self._fold else row)

    def marks(self, row: str) -> list[tuple[int, int]]:
        """Return where the text is in what is shown of a row."""
        row = row.translate(_LOWER) if self._fold else row
        found = row.find(self._text)
        marks: list[tuple[int, int]] = []
        while found >= 0 and len(marks) < MOST_MARKS:
            marks.append((found, found + len(self._text)))
            found = row.find(self._text, found + len(self._text))
        return marks


class Regex:
    """Finds what a regular expression of Python matches within a row."""

    def __init__(self, text: str, fold: bool) -> None:
        self._regex = re.compile(text, re.IGNORECASE if fold else 0)

    def hits(self, block: bytearray, size: int, base: int = 0) -> Iterator[int]:
        """Yield the beginning of each row of the first ``size`` bytes, which lie at ``base``, that matches."""
        data = memoryview(block)[:size].tobytes()
        if data.isascii() and not data.translate(None, _SIMPLE):
            yield from _matching_simple(data, self._regex.search)
        else:
            yield from _matching(data, base, self.matches)

    def matches(self, row: str) -> bool:
        """Whether what is shown of a row matches."""
        return self._regex.search(row) is not None

    def marks(self, row: str) -> list[tuple[int, int]]:
        """Return where the expression matches in what is shown of a row."""
        found = (match.span() for match in self._regex.finditer(row))
        return [span for span, _ in zip(found, range(MOST_MARKS), strict=False) if span[0] < span[1]]


def _matching(data: bytes, base: int, matches: Callable[[str], bool]) -> Iterator[int]:
    """Yield where each row begins that matches as it is shown."""
    position = 0
    for line in data.split(b"\n"):
        for start, piece in pieces(line, base + position):
            if matches(text_of(piece)) and start - base < len(data):
                yield start - base
        position += len(line) + 1


def _matching_simple(data: bytes, search: Callable[[str], object]) -> Iterator[int]:
    """The same for lines that are shown as they are, as most are; of a line that is broken, its beginning."""
    position = 0
    for line in data.decode("ascii").split("\n"):
        if search(line) and position < len(data):
            yield position
        position += len(line) + 1


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
            new = [position + hit for hit in self._hits(body, want - found, position)]
            hits += new
            found, last = found + len(new), new[-1] if new else last
            position = position + body if cut or position + size >= stop else _within_line(position, size)
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
            new = [start + cut + hit for hit in self._hits(size, sys.maxsize, start, cut)][-(want - found) :]
            hits += reversed(new)
            found, last = found + len(new), new[0] if new else last
            position = start + cut if cut or start == stop else min(position - 1, start + OVERLAP)
            length = LARGEST
            hits = self._tell(hits, position)
        _say({"hits": hits, "at": stop if found < want else last, "done": True})

    def _read(self, position: int, size: int) -> int:
        return os.preadv(self._file, [memoryview(self._buffer)[:size]], position)

    def _hits(self, size: int, most: int, base: int, cut: int = 0) -> list[int]:
        """Return places in rows that match every pattern; relative to ``cut``. The block lies at ``base``."""
        block = self._buffer if cut == 0 else self._buffer[cut:size]
        hits = []
        for hit in self._first.hits(block, size - cut, base + cut):
            if not self._others or self._all_match(block, hit, size - cut, base + cut):
                hits.append(hit)
                if len(hits) >= most:
                    break
        return hits

    def _all_match(self, block: bytearray, hit: int, size: int, base: int) -> bool:
        begin, end = block.rfind(b"\n", 0, hit) + 1, block.find(b"\n", hit, size)
        line = bytes(block[begin : end if end >= 0 else size])
        row = next(piece for start, piece in pieces(line, base + begin) if base + hit <= start + len(piece))
        return all(other.matches(text_of(row)) for other in self._others)

    def _tell(self, hits: list[int], position: int) -> list[int]:
        """Report now and then, also to notice that nobody listens any more; returns what is still to be reported."""
        if time.monotonic() - self._told < TELL_EVERY:
            return hits
        self._told = time.monotonic()
        _say({"hits": hits, "at": position, "done": False})
        return []


def _within_line(position: int, size: int) -> int:
    """Return where to go on after a block without a newline: a little before its end, where a row begins."""
    return max(position + 1, (position + size - OVERLAP) // PIECE * PIECE)


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

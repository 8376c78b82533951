"""Where a line that is too long to be one row is broken. Also used by the process of a search: it imports nothing."""

from collections.abc import Iterator

PIECE = 16 * 1024
"""Bytes; a line is broken only where so many have no newline, at an offset that is a multiple of this."""


def pieces(line: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Yield the rows of one line, which begins at ``start`` in its file: where each begins, and its bytes."""
    begin = 0
    for edge in range(-(-start // PIECE) * PIECE + PIECE, start + len(line) + 1, PIECE):
        end = edge - start
        end -= cut_character(line[end - PIECE : end])
        yield start + begin, line[begin:end]
        begin = end
    yield start + begin, line[begin:]


def cut_character(chunk: bytes) -> int:
    """Return how many bytes at the end belong to a UTF-8 character that is not complete."""
    for back in range(1, min(4, len(chunk)) + 1):
        byte = chunk[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if length > back else 0
        if byte < 0x80:
            return 0
    return 0

"""A line of a log as strips of the screen: its colours, marks over them, and folded to a width."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len, get_character_cell_size
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from jobwarden.backend.logs.ansi import Colour, Pen, plain, runs
from jobwarden.backend.logs.rows import Span

CONTINUED = "↪ "
"""Before a piece of a line that is too long to be one row."""
_PLACEHOLDERS = re.compile("[\u2400-\u2421\ufffd]+")


@dataclass(frozen=True, slots=True)
class LogStyles:
    """Styles that do not come from the log itself."""

    mark: Style
    """Searched text."""
    placeholder: Style
    """What stands for a control character or for bytes that are no text."""


def strips(
    line: str, marks: Sequence[Span], palette: LogStyles, width: int | None, *, begins: bool = True
) -> list[Strip]:
    """Return the line as one strip, or as several of at most ``width`` cells. No markup is ever read in it."""
    segments = list(_segments(line, marks, palette))
    if not begins:
        segments.insert(0, Segment(CONTINUED, palette.placeholder))
    if width is None:
        return [Strip(segments)]
    return [Strip(folded) for folded in _folded(segments, max(2, width))]


def cells_before(line: str, place: int, *, begins: bool = True) -> int:
    """Return in which cell of its strip the character at ``place``, counted without colours, is."""
    return cell_len(plain(line)[:place]) + (0 if begins else len(CONTINUED))


def _segments(line: str, marks: Sequence[Span], palette: LogStyles) -> Iterator[Segment]:
    position = 0
    for text, pen in runs(line):
        style = _style(pen)
        cuts = sorted(_cuts(text, position, marks))
        for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
            if begin < end:
                yield Segment(text[begin:end], style + _over(text[begin:end], position + begin, marks, palette))
        position += len(text)


def _cuts(text: str, position: int, marks: Sequence[Span]) -> set[int]:
    """Return where the look changes within a text that begins at ``position``, besides its colours."""
    cuts = {edge - position for mark in marks for edge in mark if position < edge < position + len(text)}
    for match in _PLACEHOLDERS.finditer(text):
        cuts.update(match.span())
    return cuts - {0, len(text)}


def _over(text: str, position: int, marks: Sequence[Span], palette: LogStyles) -> Style:
    if any(begin <= position < end for begin, end in marks):
        return palette.mark
    return palette.placeholder if _PLACEHOLDERS.match(text) else Style.null()


def _folded(segments: Iterable[Segment], width: int) -> Iterator[list[Segment]]:
    """Cut segments into lines; a character of two cells is never cut in half."""
    line: list[Segment] = []
    room = width
    for text, style, _ in segments:
        while text:
            taken = _fitting(text, room)
            if taken:
                line.append(Segment(text[:taken], style))
                room -= cell_len(text[:taken])
                text = text[taken:]
            if text:
                yield line
                line, room = [], width
    yield line


def _fitting(text: str, room: int) -> int:
    """Return how many characters fit into some cells."""
    if text.isascii():
        return min(room, len(text))
    for taken, letter in enumerate(text):
        room -= get_character_cell_size(letter)
        if room < 0:
            return taken
    return len(text)


@lru_cache(512)
def _style(pen: Pen) -> Style:
    """Return the look as a Rich style; what is not set stays that of the screen."""
    return Style(
        color=_colour(pen.fg),
        bgcolor=_colour(pen.bg),
        bold=pen.bold or None,
        dim=pen.dim or None,
        italic=pen.italic or None,
        underline=pen.underline or None,
        reverse=pen.reverse or None,
        strike=pen.strike or None,
    )


def _colour(colour: Colour) -> Color | None:
    if colour is None:
        return None
    return Color.from_ansi(colour) if isinstance(colour, int) else Color.from_rgb(*colour)

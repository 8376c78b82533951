"""The colours of a log: a strict reader of SGR sequences (ECMA-48 8.3.117, with the 256 and RGB colours of xterm)."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

SGR = re.compile(r"\x1b\[([0-9;:]*)m")
_LONGEST = 64
"""Characters of parameters in one sequence; a longer one is noise."""

Colour = int | tuple[int, int, int] | None
"""A number of the palette (0-255), red, green and blue, or the terminal's own."""


class Pen(NamedTuple):
    """How letters look from some point of a line on."""

    fg: Colour = None
    bg: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Pen()
_ATTRIBUTES: dict[int, dict[str, bool]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    9: {"strike": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"reverse": False},
    29: {"strike": False},
}
_GROUND = {30: ("fg", 0), 40: ("bg", 0), 90: ("fg", 8), 100: ("bg", 8)}
"""First code of eight colours -> the ground they are for, and the first number of the palette."""


def runs(line: str) -> Iterator[tuple[str, Pen]]:
    """Split a harmless line into stretches of text of one look each.

    >>> [(text, pen.fg) for text, pen in runs("a\\x1b[31mred\\x1b[mb")]
    [('a', None), ('red', 1), ('b', None)]
    """
    pen, begin = PLAIN, 0
    for match in SGR.finditer(line):
        if match.start() > begin:
            yield line[begin : match.start()], pen
        pen, begin = applied(pen, match[1]), match.end()
    if begin < len(line):
        yield line[begin:], pen


@lru_cache(512)
def applied(pen: Pen, parameters: str) -> Pen:
    """Return the pen after an SGR sequence with these parameters."""
    for code in _codes(parameters):
        pen = _apply(pen, code)
    return pen


def sequence(pen: Pen) -> str:
    """Return the sequence after which letters look as with this pen, whatever they looked like before.

    >>> sequence(Pen(fg=1, bold=True))
    '\\x1b[0;1;38;5;1m'
    """
    codes = [0, *(code for code, change in _ATTRIBUTES.items() if code < 20 and getattr(pen, *change))]
    for ground, colour in ((38, pen.fg), (48, pen.bg)):
        if isinstance(colour, int):
            codes += [ground, 5, colour]
        elif colour is not None:
            codes += [ground, 2, *colour]
    return f"\x1b[{';'.join(map(str, codes))}m"


def plain(line: str) -> str:
    """Return a harmless line without its colours."""
    return SGR.sub("", line)


@lru_cache(512)  # a log has few of them, again and again
def kept(sequence: str) -> str:
    """Return an SGR sequence with only what is known of it; empty when nothing is.

    >>> kept("\\x1b[1;8;31m")
    '\\x1b[1;31m'
    """
    match = SGR.fullmatch(sequence)
    if match is None or len(match[1]) > _LONGEST:
        return ""
    known = [code for code in _codes(match[1]) if _known(code)]
    return f"\x1b[{';'.join(';'.join(map(str, code)) for code in known)}m" if known else ""


def _codes(parameters: str) -> Iterator[tuple[int, ...]]:
    """Yield each attribute with its arguments: ``1;38;5;208`` is (1,) and (38, 5, 208)."""
    fields = iter(parameters.split(";"))
    for field in fields:
        if ":" in field:
            yield tuple(_number(part) for part in field.split(":") if part)
            continue
        code = _number(field)
        if code not in (38, 48):
            yield (code,)
            continue
        kind = _number(next(fields, ""))
        wanted = {5: 1, 2: 3}.get(kind, 0)
        yield (code, kind, *(_number(next(fields, "999")) for _ in range(wanted)))


def _number(text: str) -> int:
    return int(text) if text and len(text) <= 3 else 0 if not text else 999


def _known(code: tuple[int, ...]) -> bool:
    return code == (0,) or _apply(PLAIN, code) != PLAIN or _apply(_OTHER, code) != _OTHER


def _apply(pen: Pen, code: tuple[int, ...]) -> Pen:
    """Return the pen after one attribute; an unknown one changes nothing."""
    first, rest = (code[0], code[1:]) if code else (999, ())
    if first in (38, 48):
        colour = _colour(rest)
        return pen if colour is None else _with(pen, "fg" if first == 38 else "bg", colour)
    if rest:
        return pen
    if first == 0:
        return PLAIN
    if first in _ATTRIBUTES:
        return pen._replace(**_ATTRIBUTES[first])
    if first in (39, 49):
        return _with(pen, "fg" if first == 39 else "bg", None)
    for begin, (ground, palette) in _GROUND.items():
        if begin <= first < begin + 8:
            return _with(pen, ground, palette + first - begin)
    return pen


def _with(pen: Pen, ground: str, colour: Colour) -> Pen:
    return pen._replace(fg=colour) if ground == "fg" else pen._replace(bg=colour)


def _colour(arguments: tuple[int, ...]) -> Colour:
    """Read ``5;number`` or ``2;red;green;blue``; None when it is neither."""
    if len(arguments) not in (2, 4) or any(number > 255 for number in arguments):
        return None
    if arguments[0] == 5 and len(arguments) == 2:
        return arguments[1]
    if arguments[0] == 2 and len(arguments) == 4:
        return arguments[1], arguments[2], arguments[3]
    return None


_OTHER = Pen(1, 1, True, True, True, True, True, True)
"""Differs from PLAIN in everything, to tell an attribute that resets something from an unknown one."""

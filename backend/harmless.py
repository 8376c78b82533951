"""Text of jobs, users, databases and servers made harmless, and without passwords: what is left only shows.

Whatever a terminal would obey (ESC and all of C0, DEL, C1), what turns the direction of reading or shows nothing at all
(bidi controls, joiners, fillers, tags), line and paragraph separators, lone surrogates and unassigned characters are
replaced. Of marks that are stacked over one letter only the first few stay: a pile of them covers its neighbours.

Every screen, listing, log line and file for people takes its text through one of these functions.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0711\u0730-\u074a\u08d3-\u08e1\u08e3-\u08ff"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f71-\u0f84\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u20d0-\u20ff\u302a-\u302f\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef"
)
"""Characters that take no column of their own: those that are known to be stacked."""
MOST_MARKS = 4
"""Marks over one letter: more than any language writes."""
FORMAT = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
"""Characters that format, fill or tag, and separators of lines: invisible, or felt elsewhere."""

_PILE = re.compile(f"[{MARKS}]{{{MOST_MARKS + 1},}}")
_FILLERS = re.compile("[\u115f\u1160\u17b4\u17b5\u3164\uffa0]")  # letters to Unicode, and yet nothing is seen of them


def is_harmless(text: str) -> bool:
    """Whether there is nothing to replace. Cheap: most text is."""
    return text.isprintable() and (text.isascii() or not (_PILE.search(text) or _FILLERS.search(text)))


def dotted(text: str, most: int | None = None) -> str:
    """Replace each harmful character by one dot, for a screen; what is longer than ``most`` ends in an ellipsis.

    >>> dotted("a\\x1b[2Jb"), dotted("abcdef", 4)
    ('a·[2Jb', 'abc…')
    """
    if most is not None and len(text) > most:
        text = text[: max(0, most - 1)] + "…"
    return text if is_harmless(text) else _replaced(text, lambda char: "·", pile="")


def escaped(text: str, keep: str = "") -> str:
    """Write each harmful character as Python does, for a line of output; those in ``keep`` stay.

    >>> escaped("a\\x1b[2J\\nb"), escaped("a\\nb", keep="\\n")
    ('a\\\\x1b[2J\\\\nb', 'a\\nb')
    """
    return text if is_harmless(text) else _replaced(text, _python, keep)


def json_escaped(document: str) -> str:
    """Escape what is harmful in a JSON document; it means the same as before.

    >>> json_escaped('"\\x7f\\u202e"')
    '"\\\\u007f\\\\u202e"'
    """
    return document if is_harmless(document) else _replaced(document, _json, keep="\n")


def one_line(text: str, most: int | None = None) -> str:
    """Return a message of somebody else's as one line: white space becomes one blank, the rest is escaped."""
    return escaped(" ".join((text if most is None else text[: 2 * most]).split()))[:most]


def _replaced(text: str, replace: Callable[[str], str], keep: str = "", pile: str | None = None) -> str:
    text = "".join(char if char.isprintable() or char in keep else replace(char) for char in text)
    if text.isascii():
        return text
    text = _FILLERS.sub(lambda match: replace(match[0]), text)
    return _PILE.sub(lambda match: _thinned(match[0], replace, pile), text)


def _thinned(marks: str, replace: Callable[[str], str], pile: str | None) -> str:
    rest = "".join(map(replace, marks[MOST_MARKS:])) if pile is None else pile
    return marks[:MOST_MARKS] + rest


def _python(char: str) -> str:
    return char.encode("unicode_escape", "replace").decode()


def _json(char: str) -> str:
    code = ord(char)
    if code > 0xFFFF:
        high, low = divmod(code - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{code:04x}"


# Passwords and tokens out of what is shown: settings, health, errors, logs.

STARS = "***"
_BEGIN = r"(?i)\b([a-z][a-z0-9+.-]{0,30}://[^:/?#@\s'\"]{0,300}):(?!\d*(?:[/?#\s]|$))"
_USERINFO = re.compile(rf"{_BEGIN}[^\s'\"]{{0,2000}}@")
_WITH_BLANKS = re.compile(rf"{_BEGIN}[^/?#]{{0,2000}}@")
_WORD = r"(?:[a-z]+[_-])?(?:ssl)?(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|auth|signature)"
_PARAMETER = re.compile(rf"(?i)(?<![a-z])({_WORD}\s*=\s*)('(?:[^'\\]|\\.)*'|\"[^\"]*\"|[^&#\s'\"]*)")
_HEADER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+")
_URL = re.compile(r"(?i)\bhttps?://[^\s'\"]+")


def hide_password(text: str) -> str:
    """Return ``text`` with stars for every password and token: those of URLs in it, of parameters, of headers.

    >>> hide_password("redis://:secret@h:6379/0?db=1&password=x"), hide_password("postgresql://h:5432/db")
    ('redis://:***@h:6379/0?db=1&password=***', 'postgresql://h:5432/db')
    """
    hidden = text
    if "@" in hidden:  # each look without its sign would find nothing, and every line of a log is looked at
        hidden = _WITH_BLANKS.sub(rf"\1:{STARS}@", _USERINFO.sub(rf"\1:{STARS}@", hidden))
    if "=" in hidden:
        hidden = _PARAMETER.sub(rf"\1{STARS}", hidden)
    return _HEADER.sub(rf"\1 {STARS}", hidden)


def hide_beyond_host(text: str) -> str:
    """Return ``text`` with nothing of its web addresses but the host: a webhook's path and query are its password.

    >>> hide_beyond_host("https://u:p@hooks.example/T0/B1/x?y=z")
    'https://hooks.example/***'
    """
    return hide_password(_URL.sub(lambda match: _host(match[0]), text))


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"{url.partition('://')[0]}://{STARS}"
    name = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{name}{f':{port}' if port else ''}"
    return base if parts.path in ("", "/") and not parts.query and not parts.fragment else f"{base}/{STARS}"

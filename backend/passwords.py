"""Passwords and tokens out of what is shown: settings, health, errors, logs."""

import re
from urllib.parse import urlsplit

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
    hidden = _WITH_BLANKS.sub(rf"\1:{STARS}@", _USERINFO.sub(rf"\1:{STARS}@", text))
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

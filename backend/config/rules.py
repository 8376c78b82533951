"""What a setting may be: rules that read what was given, in a variable or a file, and say what is wrong with it."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jobwarden.backend.config.settings_file import expanded
from jobwarden.backend.errors import InputError

OFF = "off"
_TRUE, _FALSE = frozenset(["1", "on", "t", "true", "y", "yes"]), frozenset(["0", "off", "f", "false", "n", "no"])
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class SettingError(ValueError):
    """A setting ``name`` that cannot be ``value``, and why not."""

    def __init__(self, name: str, value: object, why: str) -> None:
        super().__init__(f"{name} {why}")
        self.name, self.value, self.why = name, value, why


@dataclass(frozen=True, slots=True)
class Rule:
    """How a value is read: ``read`` returns what it means or raises ValueError; ``accepts`` is for the settings page.

    An ``optional`` setting may also be None, which is written ``off`` where ``off`` is set.
    """

    read: Callable[[Any], Any]
    accepts: str = ""
    optional: bool = False
    off: bool = False

    def __call__(self, value: Any) -> Any:
        """The value as the program uses it. Raises ValueError with the words that go after the setting's name."""
        if self.off and isinstance(value, str) and value.lower() == OFF:
            return None
        if value is None and self.optional:
            return None
        if isinstance(value, str | Path) and _NO_TEXT.search(str(value)):  # no file name and no database holds these
            raise ValueError("must be text in UTF-8 without NUL")
        return self.read(value)


def setting(default: Any, rule: Rule, *, secret: bool = False) -> Any:
    """A field of the settings; a ``secret`` one is in no printed form."""
    made = {"default_factory": default} if callable(default) else {"default": default}
    return field(**made, metadata={"rule": rule}, repr=not secret)


def whole(low: int, high: int | None = None, *, optional: bool = False) -> Rule:
    """A whole number in a range."""

    def read(value: Any) -> int:
        whole_float = isinstance(value, float) and value.is_integer()
        try:
            found = (
                int(value) if whole_float or (isinstance(value, int | str) and not isinstance(value, bool)) else None
            )
        except ValueError:
            found = None
        if found is None:
            raise ValueError("must be a whole number")
        if found < low or (high is not None and found > high):
            raise ValueError(f"must be {_range(low, high)}")
        return found

    return Rule(read, _bounds("≥", low, high), optional)


def number(low: float, high: float | None = None, *, above: bool = False, off: bool = False) -> Rule:
    """A number in a range; ``above``: more than ``low``, not as much."""

    def read(value: Any) -> float:
        found = _number(value)
        too_low = found <= low if above else found < low
        if too_low or (high is not None and found > high):
            raise ValueError(f"must be {_range(low, high, above)}")
        return found

    return Rule(read, _bounds(">" if above else "≥", low, high), optional=off, off=off)


def choice(*words: str, upper: bool = False) -> Rule:
    """One of these words; ``upper``: however it is written."""

    def read(value: Any) -> str:
        said = value.upper() if upper and isinstance(value, str) else value
        if said not in words:
            raise ValueError(f"must be {', '.join(words[:-1])} or {words[-1]}")
        return str(said)

    return Rule(read, ", ".join(f"`{word}`" for word in words))


def flag() -> Rule:
    """Yes or no."""

    def read(value: Any) -> bool:
        said = str(value).lower() if isinstance(value, bool | int | str) else ""
        if said not in _TRUE | _FALSE:
            raise ValueError("must be true or false")
        return said in _TRUE

    return Rule(read, "`true`, `false`")


def words(pattern: str | None = None, why: str = "", *, optional: bool = False) -> Rule:
    """A text, all of which matches ``pattern``; ``why`` is said of one that does not."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a text")
        if pattern is not None and not re.fullmatch(pattern, value):
            raise ValueError(why)
        return value

    return Rule(read, optional=optional)


def path(*, optional: bool = False) -> Rule:
    """A path, made absolute."""

    def read(value: Any) -> Path:
        if not isinstance(value, str | Path):
            raise ValueError("must be a path")
        try:
            return expanded(Path(value))
        except InputError as error:
            raise ValueError(str(error)) from error

    return Rule(read, optional=optional)


def names() -> Rule:
    """Names, in the environment with commas between them."""

    def read(value: Any) -> tuple[str, ...]:
        given = value.split(",") if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
            raise ValueError("must be a list of names")
        found = tuple(dict.fromkeys(name.strip() for name in given))
        if not found or not all(found) or any(_NO_TEXT.search(name) for name in found):
            raise ValueError("needs at least one name, and no empty one")
        return found

    return Rule(read)


def url(schemes: Mapping[str, str], shown: str) -> Rule:
    """A URL of one of these schemes, each with the one that is used for it. Nothing repeats what it holds."""

    def read(value: Any) -> str:
        scheme, separator, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
        if not separator:
            raise ValueError("is not a URL")
        if scheme.lower() not in schemes:
            raise ValueError(f"must be a {shown} URL")
        return f"{schemes[scheme.lower()]}://{rest}"

    return Rule(read, optional=True)


def command() -> Rule:
    """A command line without a shell."""

    def read(value: Any) -> str:
        try:
            found = shlex.split(value) if isinstance(value, str) else []
        except ValueError as exc:
            raise ValueError(f"is not a command line: {exc}".lower()) from None
        if not found or not found[0].strip():
            raise ValueError("names no command")
        return str(value)

    return Rule(read, optional=True)


def webhook() -> Rule:
    """A URL that can be posted to."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be an http:// or https:// URL")
        check_webhook(value)
        return value

    return Rule(read, optional=True)


def check_webhook(url: str) -> None:
    """Raise ValueError, without the URL, for one that cannot be posted to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        if host is not None:
            host.encode("idna")
    except ValueError:  # also UnicodeError
        raise ValueError("must be an http:// or https:// URL with a host, and a port that is a number") from None
    if parts.scheme not in ("http", "https") or not url.lower().startswith(f"{parts.scheme}://") or not host:
        raise ValueError("must be an http:// or https:// URL")
    if port == 0:
        raise ValueError("must not name port 0")
    if parts.username is not None or parts.password is not None:
        raise ValueError("takes no user name or password: put a token into its path or query, or use alert_command")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must hold only ASCII letters, digits and signs: write others as %XX")


def _number(value: Any) -> float:
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        found = None
    if found is None or found != found:
        raise ValueError("must be a number")
    return found


def _range(low: float, high: float | None, above: bool = False) -> str:
    if high is None:
        return f"more than {low:g}" if above else f"at least {low:g}"
    return f"more than {low:g} and at most {_plain(high)}" if above else f"from {low:g} to {_plain(high)}"


def _plain(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"


def _bounds(sign: str, low: float, high: float | None) -> str:
    return f"{sign} {_plain(low)}" + ("" if high is None else f", ≤ {_plain(high)}")

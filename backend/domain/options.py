"""The options of a submission, typed on the command line or written as ``#JOBWARDEN`` lines: one table for both."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from operator import attrgetter

from jobwarden.backend.domain.request import JobRequest, check_number, check_work_dir
from jobwarden.backend.domain.units import parse_duration, parse_memory, shorten
from jobwarden.backend.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was said about a job; None is "not said". Field names are those of JobRequest."""

    name: str | None = None
    account: str | None = None
    partition: str | None = None
    cpus: int | None = None
    memory_mb: int | None = None
    gpus: int | None = None
    time_limit: int | str | None = None
    priority: int | None = None
    work_dir: str | None = None
    environment: Mapping[str, str] | None = None
    held: bool | None = None

    def over(self, lower: "Options") -> "Options":
        """These options where they say something, else ``lower``'s; environments are joined variable by variable."""
        if lower is NOTHING_SAID:  # of thousands of requests, most say the same
            return self
        if self is NOTHING_SAID:
            return lower
        pairs = zip(_NAMES, _values(self), _values(lower), strict=True)
        said = {name: theirs if mine is None else mine for name, mine, theirs in pairs}
        if self.environment and lower.environment:
            said["environment"] = {**lower.environment, **self.environment}
        return Options(**said)


NOTHING_SAID = Options()
_NAMES = tuple(field.name for field in fields(Options))
_values = attrgetter(*_NAMES)


def parse_int(column: str, text: str) -> int:
    """A whole number within the sane range of ``column``."""
    try:
        value = int(text) if len(text) <= 20 else None
    except ValueError:
        value = None
    if value is None:
        raise InputError(f"{shorten(text)} is not a whole number")
    check_number(column, value)
    return value


def _memory(text: str) -> int:
    value = parse_memory(text)
    if value == 0:
        raise InputError(f"{shorten(text)} is no memory at all: leave the option out for the default, or write 1M")
    check_number("memory_mb", value)
    return value


def _time(text: str) -> int | str:
    if text.strip().lower() in _NO_LIMIT:
        return UNLIMITED
    value = parse_duration(text)
    check_number("time_limit", value)
    return value


UNLIMITED = "unlimited"
"""The word for "no time limit", also where the script or the settings give one."""

_NO_LIMIT = (UNLIMITED, "infinite")

PARSERS: dict[str, tuple[str, Callable[[str], int | str]]] = {
    "name": ("name", str),
    "account": ("account", str),
    "partition": ("partition", str),
    "cpus": ("cpus", lambda text: parse_int("cpus", text)),
    "memory": ("memory_mb", _memory),
    "gpus": ("gpus", lambda text: parse_int("gpus", text)),
    "time": ("time_limit", _time),
    "priority": ("priority", lambda text: parse_int("priority", text)),
    "work-dir": ("work_dir", str),
}
"""Option without dashes -> field of Options and how its text is read."""

OPTION_NAMES = (*PARSERS, "env", "hold")


def parse_options(
    given: Sequence[tuple[str, str]], caller_environment: Mapping[str, str], *, hold: bool = False
) -> Options:
    """Options from (name, text) pairs in the order written; a later one wins, ``env`` collects."""
    if not given and not hold:
        return NOTHING_SAID
    said: dict[str, int | str] = {}
    environment: dict[str, str] = {}
    for name, text in given:
        if name == "env":
            variable, value = _variable(text, caller_environment)
            environment[variable] = value
            continue
        column, parse = PARSERS[name]
        try:
            said[column] = parse(text)
        except InputError as exc:
            message = str(exc)
            raise InputError(message if message.startswith("--") else f"--{name}: {message}") from None
    return Options(**said, environment=environment or None, held=hold or None)  # type: ignore[arg-type]


def _variable(text: str, caller_environment: Mapping[str, str]) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name:
        raise InputError(f"--env: {shorten(text)} names no variable: write NAME=value")
    if equals:
        return name, value
    if name not in caller_environment:
        raise InputError(f"--env: {shorten(name)} is not set here: write NAME=value")
    return name, caller_environment[name]


class Here:
    """What all requests of one submission have in common and is looked up once: directories, and where it was made."""

    def __init__(self) -> None:
        self.work_dir = cache(check_work_dir)
        self.origin = cache(_origin)


def build_request(
    script: str,
    arguments: Sequence[str],
    options: Options,
    *,
    account: str,
    memory_mb: int,
    time_limit: int | None,
    submitted: str = "",
    here: Here | None = None,
) -> JobRequest:
    """The request ``options`` describe; account, memory (MiB) and time limit (s) are used where they are silent.

    ``submitted`` is the absolute path of the script, if it was a file. The job finds it and the directory of the
    submission in its environment, where a resubmission keeps them.
    """
    defaults = Options(
        name="job", account=account, memory_mb=memory_mb, time_limit=time_limit, work_dir=".", environment={}
    )
    full = options.over(defaults)
    said = {name: value for name, value in zip(_NAMES, _values(full), strict=True) if value is not None}
    if said.get("time_limit") == UNLIMITED:
        del said["time_limit"]
    here = here or Here()
    said["work_dir"] = here.work_dir(said["work_dir"])
    said["environment"] = {**said["environment"], **here.origin(submitted)}
    return JobRequest(script=script, arguments=tuple(arguments), **said)


def _origin(submitted: str) -> dict[str, str]:
    try:
        here = os.getcwd()  # noqa: PTH109 (text, not a file)
    except OSError:  # it was removed under the caller, who named a --work-dir
        here = ""
    return {"JOBWARDEN_SCRIPT": _storable(submitted), "JOBWARDEN_SUBMIT_DIR": _storable(here)}


def _storable(path: str) -> str:
    """``path`` where the database can hold it, else nothing: one that is not UTF-8 is no reason to refuse a job."""
    return path if "\0" not in path and path.encode("utf-8", "replace") == os.fsencode(path) else ""


# A request as data: a line of `submit --from`, an item of Python's submit_jobs. Its words are those of the options.

ITEM_KEYS = ("script", "text", "arguments", *OPTION_NAMES)


@dataclass(frozen=True, slots=True)
class RequestItem:
    """One of many requests: the path of a script or its text, its arguments, and its options."""

    script: str | None
    text: str | None
    arguments: tuple[str, ...]
    options: Options


def parse_item(given: object) -> RequestItem:
    """Read one request: ``{"script": "train.sh", "arguments": ["7"], "memory": "2G", "env": {"A": "1"}}``.

    Raises InputError for a word that is no option, and for a value that the option does not take.
    """
    if not isinstance(given, Mapping):
        raise InputError('a request is an object like {"script": "job.sh", "cpus": 2}')
    said = {str(key).replace("_", "-"): value for key, value in given.items()}
    if unknown := [key for key in said if key not in ITEM_KEYS]:
        raise InputError(f"{shorten(unknown[0])} is no word of a request: it takes {', '.join(ITEM_KEYS)}")
    script, text = (_optional_text(said, key) for key in ("script", "text"))
    if (script is None) == (text is None):
        raise InputError("a request has a script (a path) or a text, one of the two")
    values = [(name, _as_typed(name, said[name])) for name in PARSERS if said.get(name) is not None]
    options = parse_options(values, {}, hold=_flag(said.get("hold")))
    environment = _strings_by_name(said.get("env"))
    if environment:
        options = replace(options, environment=environment)
    return RequestItem(script, text, _strings(said.get("arguments")), options)


def _optional_text(said: Mapping[str, object], key: str) -> str | None:
    value = said.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{key} must be text")
    return value


def _as_typed(name: str, value: object) -> str:
    """A value as it would be typed; numbers may be written as numbers."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and name not in _TEXTS and abs(value) < 10**18:
        return str(value)
    raise InputError(f"{name}: {shorten(str(value))} is not {'text' if name in _TEXTS else 'a whole number or text'}")


_TEXTS = frozenset(("name", "account", "partition", "work-dir"))


def _flag(value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise InputError("hold must be true or false")
    return bool(value)


def _strings(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(one, str) for one in value):
        raise InputError("arguments must be a list of texts")
    return tuple(value)


def _strings_by_name(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(one, str) for pair in value.items() for one in pair):
        raise InputError('env must be an object of texts, like {"NAME": "value"}')
    return dict(value)

"""What a user asks for: one validated, immutable request per job."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jobwarden.backend.domain.script import MAX_SCRIPT_BYTES
from jobwarden.backend.domain.units import shorten
from jobwarden.backend.errors import InputError

MAX_STRING_BYTES = 128 * 1024 - 1
"""Longest single argument or ``NAME=value`` the kernel takes (MAX_ARG_STRLEN, less its NUL)."""
MAX_STRINGS_BYTES = 1024 * 1024
"""All arguments and variables together; half of the usual 2 MiB ARG_MAX, the rest is the worker's own environment."""
MAX_PATH_BYTES = 4095
"""Longest path the kernel takes (PATH_MAX, less its NUL)."""
MAX_REASON = 4000
"""Characters of a reason: a paragraph, not a log. The database leaves room for what the program adds."""

LIMITS: dict[str, tuple[int, int, str]] = {
    "cpus": (1, 65_536, "--cpus"),
    "memory_mb": (1, 2**30, "--memory (MiB)"),
    "gpus": (0, 4_096, "--gpus"),
    "time_limit": (1, 10 * 366 * 86_400, "--time (seconds)"),
    "priority": (-1_000_000, 1_000_000, "--priority"),
}
"""Lowest and highest sane value of each number. What no node has today is not absurd: such a job waits and says why.

The database holds every row to these and to the lengths above and below (migrations/sql/0003_checks.sql)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """One job to submit. Whatever exists is valid: the constructor raises InputError for anything else.

    ``memory_mb`` is MiB, ``time_limit`` seconds (None is unlimited), ``script`` the text itself.
    """

    script: str
    work_dir: str
    account: str
    name: str = "job"
    partition: str = "main"
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    cpus: int = 1
    memory_mb: int = 256
    gpus: int = 0
    time_limit: int | None = None
    priority: int = 0
    held: bool = False

    def __post_init__(self) -> None:
        """Reject what the database, the kernel or a reader of listings could not take."""
        for column in LIMITS:
            check_number(column, getattr(self, column))
        _check_label("name", self.name, longest=200, spaces=True)
        _check_label("account", self.account, longest=64, spaces=False)
        _check_label("partition", self.partition, longest=64, spaces=False)
        _check_text("script", self.script)
        if not self.script.strip():
            raise InputError("empty script: there is nothing to run")
        if len(self.script.encode()) > MAX_SCRIPT_BYTES:
            raise InputError(f"script: larger than {MAX_SCRIPT_BYTES // 2**20} MiB: submit one that calls it")
        _check_text("work dir", self.work_dir)
        if not self.work_dir.startswith("/"):
            raise InputError(f"work dir {shorten(self.work_dir)} is not absolute")
        if len(self.work_dir.encode()) > MAX_PATH_BYTES:
            raise InputError(f"work dir {shorten(self.work_dir)} is longer than {MAX_PATH_BYTES} bytes")
        _check_strings(self.arguments, self.environment)


def check_number(column: str, value: object) -> None:
    """InputError unless ``value`` is a whole number within LIMITS; a missing time limit is fine."""
    lowest, highest, shown = LIMITS[column]
    if value is None and column == "time_limit":
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{shown}: {shorten(str(value))} is not a whole number")
    if not lowest <= value <= highest:
        given = str(value) if abs(value) < 10**18 else "that"
        raise InputError(f"{shown}: {given} is out of range: {lowest} to {highest} is accepted")


def check_reason(reason: str | None) -> None:
    """InputError unless ``reason`` can be kept in the audit; none at all is fine."""
    if reason is None:
        return
    _check_text("reason", reason)
    if len(reason) > MAX_REASON:
        raise InputError(f"reason {shorten(reason)} is longer than {MAX_REASON} characters")


def check_work_dir(path: str) -> str:
    """``path`` made absolute and free of links; InputError unless it is a directory on this host."""
    _check_text("work dir", path)
    try:
        resolved = Path(path).expanduser().resolve(strict=True)
    except FileNotFoundError:
        raise InputError(f"work dir {shorten(path)} does not exist") from None
    except (OSError, RuntimeError, ValueError) as exc:
        raise InputError(f"work dir {shorten(path)}: {getattr(exc, 'strerror', None) or exc}") from None
    if not resolved.is_dir():
        raise InputError(f"work dir {shorten(path)} is not a directory")
    _check_text("work dir", str(resolved))
    return str(resolved)


def _check_label(what: str, value: str, *, longest: int, spaces: bool) -> None:
    _check_text(what, value)
    if not value.strip() or len(value) > longest:
        raise InputError(f"{what} {shorten(value)} must have 1 to {longest} characters")
    if not value.isprintable():
        raise InputError(f"{what} {shorten(value)} holds control characters")
    if not spaces and any(letter.isspace() or letter in "\"'" for letter in value):
        raise InputError(f"{what} {shorten(value)} holds spaces or quotes")


def _check_text(what: str, value: str) -> None:
    if not isinstance(value, str):
        raise InputError(f"{what} must be text, not {type(value).__name__}")
    if "\0" in value:
        raise InputError(f"{what} {shorten(value)} holds a NUL byte")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{what} {shorten(value)} is not valid UTF-8") from None


def _check_strings(arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
    total = 0
    for argument in arguments:
        _check_text("argument", argument)
        total += _checked_size("argument", argument)
    for name, value in environment.items():
        _check_text("variable", name)
        _check_text(f"variable {shorten(name)}", value)
        if not name or "=" in name:
            raise InputError(f"{shorten(name)} is not the name of an environment variable")
        total += _checked_size("variable", f"{name}={value}")
    if total > MAX_STRINGS_BYTES:
        raise InputError(
            f"arguments and variables are longer than {MAX_STRINGS_BYTES // 1024} KiB together: use a file"
        )


def _checked_size(what: str, value: str) -> int:
    size = len(value.encode()) + 1
    if size > MAX_STRING_BYTES:
        raise InputError(f"{what} {shorten(value)} is longer than {MAX_STRING_BYTES // 1024} KiB: use a file")
    return size


# Text that any table takes: what the world says is not always that.

MOST = 4000
"""Characters that are kept of a message."""


def storable(text: str, most: int = MOST) -> str:
    """``text`` without what PostgreSQL refuses (NUL, halves of characters), cut to ``most`` characters."""
    clean = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"

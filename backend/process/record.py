"""How a script ended, as its supervisor recorded it in the folder of the allocation.

A job may write to that folder when it runs as the user of the worker. So a record is believed only with the seal of
its supervisor: BLAKE2s under a key that the allocation has in the database and that no job is given (see shim.c).
"""

import errno
import hashlib
import hmac
import os
from dataclasses import dataclass
from enum import StrEnum

from jobwarden.backend.files import read_within

NAME = "exit_status"
RECORD_SIZE = 256
"""Room for the longest record of shim.c, taken while the disk still has space."""
TAG_BYTES = 16
KEY_LENGTH = 32
"""Characters of a key."""
LARGEST = 2**63 - 1
"""No number of a record is larger: it would not fit where it goes."""


class RecordKind(StrEnum):
    """The first word of a record."""

    EXIT = "exit"
    SIGNAL = "signal"
    NEVER = "never"
    LAUNCH = "launch"


LARGEST_VALUE = {RecordKind.EXIT: 255, RecordKind.SIGNAL: 64, RecordKind.LAUNCH: 4095, RecordKind.NEVER: 0}
"""The largest exit code, signal and errno that the kernel has."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the supervisor wrote. ``value`` is the exit code, the signal or the errno; times as their names say.

    ``gone`` is its proof that no process of the job was left; without it, look for yourself.
    """

    kind: RecordKind
    value: int = 0
    end_ns: int = 0
    user_us: int = 0
    system_us: int = 0
    max_rss_kib: int = 0
    core: bool = False
    step: str = ""
    gone: bool = False


def read_record(folder: str, key: str | None) -> Record | None:
    """The record in ``folder``; None when there is none, or none that could be believed. Never fails, never waits.

    ``key`` None is for an allocation older than seals: its record counts, but proves nothing about what is left.
    """
    try:
        raw = read_within(folder, NAME, 2 * RECORD_SIZE)
    except OSError:
        return None
    return parse_record(raw, key)


def doubt(folder: str, key: str | None) -> str:
    """Why what lies in the place of the record does not count; empty when nothing does, or it does."""
    try:
        raw = read_within(folder, NAME, 2 * RECORD_SIZE)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return f"{NAME} was removed from its folder" if os.path.isdir(folder) else ""  # noqa: PTH112
        return f"{NAME} cannot be read: {error.strerror}"
    if parse_record(raw, key) is None and raw.strip(b" \n\0"):
        return f"{NAME} is not what its supervisor wrote, so it does not count"
    return ""


def parse_record(raw: bytes, key: str | None) -> Record | None:
    """Parse the text that shim.c describes; tolerant, because a crash of the host, or a job, may leave anything."""
    line, newline, rest = raw[: 2 * RECORD_SIZE].partition(b"\n")
    if not newline:
        return None
    said = line if key is None else _unsealed(line, b"", key)
    if said is None:
        return None
    try:
        return _parse_words(said.decode("ascii").split(), key is not None and _says_gone(line, rest, key))
    except (ValueError, IndexError):
        return None


def seal(text: bytes, key: str) -> str:
    """The seal of ``text``, as shim.c makes it. ``key``: KEY_LENGTH characters."""
    return hashlib.blake2s(text, key=key.encode("ascii"), digest_size=TAG_BYTES).hexdigest()


def _says_gone(line: bytes, rest: bytes, key: str) -> bool:
    second, newline, _ = rest.partition(b"\n")
    return bool(newline) and _unsealed(second, line + b"\n", key) == b"gone"


def _unsealed(line: bytes, before: bytes, key: str) -> bytes | None:
    """``line`` without the seal at its end, which is of ``before`` and the line; None when it is another."""
    said, _, tag = line.rpartition(b" ")
    return said if hmac.compare_digest(tag, seal(before + said, key).encode()) else None


def _parse_words(words: list[str], gone: bool) -> Record:
    kind = RecordKind(words[0])
    if kind is RecordKind.NEVER:
        return Record(kind, end_ns=_number(words[1]), gone=gone)
    value = _number(words[2 if kind is RecordKind.LAUNCH else 1], LARGEST_VALUE[kind])
    if kind is RecordKind.LAUNCH:
        return Record(kind, value, _number(words[3]), step=words[1], gone=gone)
    end_ns, user_us, system_us, max_rss = (_number(word) for word in words[2:6])
    return Record(kind, value, end_ns, user_us, system_us, max_rss, core=words[6:] == ["core"], gone=gone)


def _number(word: str, largest: int = LARGEST) -> int:
    """A number of a record. Raises ValueError for what no supervisor writes."""
    if not (word.isdigit() and len(word) <= len(str(LARGEST)) and int(word) <= largest):
        raise ValueError(word)
    return int(word)

"""Reads the script a user submits, and refuses what could never run."""

import stat
import sys
from pathlib import Path

from jobwarden.backend.errors import InputError

MAX_SCRIPT_BYTES = 4 * 1024 * 1024
"""Largest script (Slurm's ``max_script_size`` default is 4 MiB); bulk data belongs in files."""


def read_script(path: str) -> str:
    """Text of the script file at ``path``, or of standard input for ``-``; InputError says what is wrong with it."""
    shown = "standard input" if path == "-" else ascii(path)[1:-1] if not path.isprintable() else path
    return check_script(_read_bytes(path, shown), shown)


def check_script(data: bytes, shown: str = "script") -> str:
    """The script as text when it can be run at all; ``shown`` is what messages call it."""
    if len(data) > MAX_SCRIPT_BYTES:
        raise InputError(f"{shown}: larger than {MAX_SCRIPT_BYTES // 1024 // 1024} MiB: submit a script that calls it")
    if not data.strip():
        raise InputError(f"{shown}: empty script: there is nothing to run")
    if b"\0" in data:
        raise InputError(f"{shown}: holds NUL bytes: this is a binary; submit a script that calls it")
    if data.startswith(b"\xef\xbb\xbf"):
        raise InputError(f"{shown}: starts with a byte order mark: save it as UTF-8 without BOM")
    if data.startswith(b"#!") and data.split(b"\n", 1)[0].endswith(b"\r"):
        raise InputError(f"{shown}: its #! line ends in CRLF, so no interpreter is found: convert it with `dos2unix`")
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise InputError(f"{shown}: line {line} is not UTF-8: convert it with `iconv -t UTF-8`") from None


def _read_bytes(path: str, shown: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(MAX_SCRIPT_BYTES + 1)
    if not path or "\0" in path:
        raise InputError(f"'{shown}' is not a file name")
    file = Path(path)
    try:
        if stat.S_ISDIR(file.stat().st_mode):
            raise InputError(f"{shown}: is a directory, not a script")
        with file.open("rb") as stream:
            return stream.read(MAX_SCRIPT_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{shown}: no such file") from None
    except (OSError, UnicodeEncodeError) as exc:
        raise InputError(f"{shown}: cannot be read: {getattr(exc, 'strerror', None) or 'bad file name'}") from None

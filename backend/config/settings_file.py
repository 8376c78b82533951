"""The TOML files of a person: which one counts, whether it can be trusted, and what stands in it."""

import os
import pwd
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobwarden.backend.errors import InputError
from jobwarden.backend.files import Untrusted, read_trusted, real_path

LIMIT_BYTES = 64 << 10
"""Far more than all settings with comments; the parser's time grows with the square of a dotted key's length."""
LONGEST_NAME, LONGEST_PATH = 255, 4000
"""Bytes of a file's name (NAME_MAX), and of a path that leaves room for what lies below it (PATH_MAX is 4096)."""
_PASSWORD = re.compile(r"^[^:/?#]+://[^:/?#@]*:[^/?#]+@|(?i:[?&](?:ssl)?password=[^&#])")


def config_file(env: Mapping[str, str]) -> Path | None:
    """The TOML file that applies, or None. A file named by ``$JOBWARDEN_CONFIG`` must exist."""
    if named := env.get("JOBWARDEN_CONFIG"):
        return Path(named)
    home = expanded(Path(env["JOBWARDEN_HOME"]), env) if env.get("JOBWARDEN_HOME") else default_home(env)
    of_home = home / "jobwarden.toml"
    return first_there(None if _of_somebody_else(of_home) else of_home, in_config_folder(env, "jobwarden.toml"))


def _of_somebody_else(path: Path) -> bool:
    """Whether the settings of a home are its owner's alone: whoever uses a shared home has settings of his own."""
    try:
        return path.parent.stat().st_uid != os.geteuid() and not os.access(path, os.R_OK)
    except (OSError, ValueError):  # nobody's; what no file can be called is refused where it is used
        return False


def first_there(*candidates: Path | None) -> Path | None:
    """The first of the files that is there, even if it is only a link to nothing."""
    return next((path for path in candidates if path is not None and os.path.lexists(path)), None)


def default_home(env: Mapping[str, str]) -> Path:
    """``jobwarden`` in the XDG state directory. Raises InputError for a user without any directory."""
    folder = _base(env, "XDG_STATE_HOME", ".local/state")
    if folder is None:
        raise InputError("this user has no home directory (no HOME, no entry in passwd): set JOBWARDEN_HOME")
    return folder / "jobwarden"


def in_config_folder(env: Mapping[str, str], name: str) -> Path | None:
    """``jobwarden/<name>`` in the XDG configuration directory; None for a user without any directory."""
    folder = _base(env, "XDG_CONFIG_HOME", ".config")
    return None if folder is None else folder / "jobwarden" / name


def expanded(path: Path, env: Mapping[str, str] | None = None) -> Path:
    """``path`` with ``~`` and ``~user`` replaced, absolute.

    Raises InputError when that user is not known, and for a path that no file system takes.
    """
    if path.parts[:1] == ("~",) and (own := (os.environ if env is None else env).get("HOME")):
        path = Path(own, *path.parts[1:])
    try:
        return _possible(Path(os.path.abspath(path.expanduser())))  # noqa: PTH100 (keeps symlinks)
    except (RuntimeError, ValueError) as error:  # ValueError: no user can have that name
        raise InputError(f"{path}: no home directory of that user is known: write the whole path") from error
    except OSError as error:
        raise InputError(f"{path}: the working directory is gone: write the whole path") from error


def _possible(path: Path) -> Path:
    sizes = [len(part.encode("utf-8", "replace")) for part in path.parts]  # of what is no UTF-8, each byte is one "?"
    if max(sizes) > LONGEST_NAME or sum(sizes) + len(sizes) > LONGEST_PATH:
        raise InputError(
            f"{str(path)[:40]}… is too long: a name has at most {LONGEST_NAME} bytes, a path {LONGEST_PATH}"
        )
    return path


def read_toml(path: Path) -> dict[str, Any]:
    """The table in ``path``; raises InputError when it cannot be read, is not TOML, or is in somebody else's hands."""
    try:
        found = tomllib.loads(read_trusted(real_path(path), limit=LIMIT_BYTES).decode("utf-8"))
        _check_numbers(found)
        return found
    except Untrusted as error:
        raise InputError(f"the settings file {path} is not used: {error}") from error
    except OSError as error:
        raise InputError(f"cannot read the settings file {path}: {error.strerror}") from error
    except RecursionError as error:
        raise InputError(f"the settings file {path} is not used: its values are nested too deeply") from error
    except ValueError as error:  # also what is not UTF-8, and a number of thousands of digits
        raise InputError(f"the settings file {path} is not TOML: {error}") from error


def _check_numbers(found: object) -> None:
    """Raise ValueError for a number of more than 64 bits, as TOML asks for: Python cannot even show the largest."""
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, int) and not -(2**63) <= one < 2**63:
            raise ValueError("it has a number of more than 64 bits")
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()


def exposed(path: Path, values: Mapping[str, Any]) -> str | None:
    """A line of warning for a file with a password that others can read, None when all is well.

    A warning and not a refusal, as psql gives for its password file (ssh refuses, but a private key has no other
    purpose than to be secret): files in containers are often mounted readable for all, and a worker that does not
    start helps nobody. The rule is libpq's for private keys: 0600, or 0640 for a file of root, whose group is chosen.
    """
    if not any(isinstance(value, str) and holds_secret(name, value) for name, value in values.items()):
        return None
    found = path.stat()
    readers = stat.S_IROTH if found.st_uid == 0 else stat.S_IROTH | stat.S_IRGRP
    if not found.st_mode & readers:
        return None
    return f"{path} holds a password or a token and others can read it: `chmod go-r {path}`"


def holds_secret(name: str, value: str) -> bool:
    """Whether a setting tells somebody who reads it how to get in: a URL with a password, or a webhook."""
    return bool(value) and (_PASSWORD.search(value) is not None or name.endswith("webhook"))


def _base(env: Mapping[str, str], variable: str, below_home: str) -> Path | None:
    """An XDG base directory; the specification says that a relative path in the variable is to be ignored."""
    configured = Path(env.get(variable) or "")
    if configured.is_absolute():
        return configured
    own = env.get("HOME") or _passwd_home()
    return None if own is None else Path(own) / below_home


def _passwd_home() -> str | None:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return None

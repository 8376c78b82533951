"""The person's own pager and editor."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from backend.errors import Refused


def pager(env: Mapping[str, str], *, harmless: bool = False) -> list[str]:
    """Return the command line of the pager; ``harmless`` asks ``less`` to start no other program.

    Raises Refused when there is none.
    """
    return [*(["env", "LESSSECURE=1"] if harmless else []), *_program(env, ("PAGER",), ("less", "more"))]


def editor(env: Mapping[str, str]) -> list[str]:
    """Return the command line of the editor. Raises Refused when there is none."""
    return _program(env, ("VISUAL", "EDITOR"), ("vi", "nano"))


def show(command: list[str], path: Path) -> None:
    """Run a program on a file, and wait for it. Raises Refused when it cannot be started."""
    try:
        subprocess.run([*command, os.fspath(path)], check=False)
    except OSError as exc:
        raise Refused(f"cannot run {command[0]}: {exc.strerror}") from exc


def _program(env: Mapping[str, str], variables: tuple[str, ...], usual: tuple[str, ...]) -> list[str]:
    for variable in variables:
        if words := shlex.split(env.get(variable, "")):
            if shutil.which(words[0]) is None:
                raise Refused(f"{variable} is {words[0]!r}, which is not installed")
            return words
    found = next((name for name in usual if shutil.which(name)), None)
    if found is None:
        raise Refused(f"set {variables[-1]}: none of {', '.join(usual)} is installed")
    return [found]

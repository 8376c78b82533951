"""Running our code as an ordinary user while the tests run as root."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534
ROOT = Path(__file__).parents[2]
SITE_PACKAGES = Path(pytest.__file__).parents[1]


def run_python(code: str, *args: str, uid: int = NOBODY, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` as ``uid`` in an interpreter that has our packages; skips where that user can read none."""
    python = interpreter(uid)
    if python is None:
        pytest.skip("no interpreter with the packages can be used by an ordinary user here")
    return _run(python, code, *args, uid=uid, **env)


def environment() -> dict[str, str]:
    """What the interpreter of an ordinary user needs to find our packages."""
    return {"PYTHONPATH": f"{ROOT}{os.pathsep}{SITE_PACKAGES}", "PATH": os.defpath, "HOME": "/nonexistent"}


@functools.cache
def interpreter(uid: int) -> str | None:
    return next((python for python in _candidates() if _usable(python, uid)), None)


def _candidates() -> Iterator[str]:
    """This interpreter, or another of the same version: ours may lie where only root may look."""
    yield sys.executable
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    yield from (f"/usr/bin/python{version}", f"/usr/local/bin/python{version}")


def _usable(python: str, uid: int) -> bool:
    try:
        return _run(python, "import psycopg2, jobwarden.backend.config.settings", uid=uid).returncode == 0
    except OSError:
        return False


def _run(python: str, code: str, *args: str, uid: int, **env: str) -> subprocess.CompletedProcess[str]:
    root = os.geteuid() == 0
    return subprocess.run(
        [python, "-B", "-c", code, *args], capture_output=True, text=True, cwd="/", check=False,
        env=environment() | env, timeout=120,
        user=uid if root else None, group=uid if root else None, extra_groups=[] if root else None,
    )  # fmt: skip

"""Unix accounts of a test's own, and our commands run as one of them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cli import Completed
from tests.support.ordinary import NOBODY, ROOT, SITE_PACKAGES, interpreter


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this host with a home that nobody else may enter."""

    name: str
    uid: int
    home: Path

    def run(self, *command: str, input: str | None = None, **env: str) -> Completed:
        """Run a command as this user, in his home."""
        done = subprocess.run(
            list(command), text=True, capture_output=True, input=input, cwd=self.home, check=False, timeout=90,
            user=self.uid, group=self.uid, extra_groups=[],
            env={"HOME": str(self.home), "USER": self.name, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **env},
        )  # fmt: skip
        return Completed(done.returncode, done.stdout, done.stderr)

    def jobwarden(self, *args: str | int, input: str | None = None, **env: str) -> Completed:
        """Our command as this user; skips where he can use no interpreter with the packages."""
        path = f"{ROOT}{os.pathsep}{SITE_PACKAGES}"
        return self.run(_python(), "-B", "-m", "jobwarden", *map(str, args), input=input, PYTHONPATH=path, **env)


def _python() -> str:
    python = interpreter(NOBODY)
    if python is None:
        pytest.skip("no interpreter with the packages can be used by an ordinary user here")
    return python


@contextlib.contextmanager
def new_account() -> Iterator[Account]:
    """Make an account, and remove it with all that it has in its home; skips where that is not possible."""
    if os.geteuid() != 0 or shutil.which("useradd") is None:
        pytest.skip("needs root and useradd, to make accounts")
    name = f"jw{uuid.uuid4().hex[:10]}"
    subprocess.run(["useradd", "--create-home", name], check=True, capture_output=True)
    try:
        entry = pwd.getpwnam(name)
        home = Path(entry.pw_dir)
        home.chmod(0o700)
        yield Account(name, entry.pw_uid, home)
    finally:
        subprocess.run(["pkill", "-KILL", "-u", name], check=False)
        subprocess.run(["userdel", "--force", "--remove", name], check=False, capture_output=True)

"""Running the installed command as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).parent / "jobwarden"


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Cli:
    """The ``jobwarden`` command with the environment of one test: ``cli("jobs", "--json").json``."""

    env: Mapping[str, str]
    cwd: Path
    executable: Path = COMMAND

    def __call__(
        self, *args: str | Path | int, input: str | None = None, timeout: float = 60.0, **env: str
    ) -> Completed:
        """Run to the end; further keywords are environment variables."""
        stdin = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
        done = subprocess.run(
            self.command(*args), text=True, capture_output=True, timeout=timeout, cwd=self.cwd,
            env={**self.env, **env}, check=False, errors="surrogateescape", **stdin,
        )  # fmt: skip
        return Completed(done.returncode, done.stdout, done.stderr)

    def with_env(self, variables: Mapping[str, str]) -> Cli:
        """The same command with these environment variables on top."""
        return replace(self, env={**self.env, **variables})

    def start(self, *args: str | Path | int, **env: str) -> subprocess.Popen[str]:
        """Start in the background with piped output; the ``cli`` fixture ends it with the test."""
        return subprocess.Popen(
            self.command(*args), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=self.cwd, env={**self.env, **env},
        )  # fmt: skip

    def command(self, *args: str | Path | int) -> list[str]:
        """The argument vector."""
        return [str(self.executable), *map(str, args)]


def clean_environment(**extra: str) -> dict[str, str]:
    """This environment without any setting of ours or of PostgreSQL's, plus ``extra``."""
    ours = ("JOBWARDEN_", "PG", "DATABASE_URL", "REDIS_URL", "XDG_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | extra

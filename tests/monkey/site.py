"""What the monkey looks at: an installation of its own where jobs come and go, and sometimes its worker."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

COMMAND = [sys.executable, "-m", "jobwarden"]
SCRIPTS = (
    "echo short; exit 0\n", "exit 3\n", "for i in $(seq 400); do echo line $i; done; sleep 2\n",
    "i=0; while [ $i -lt 60 ]; do i=$((i+1)); printf '\\r%d%%' $i; sleep 0.05; done; echo\n", "kill -9 $$\n",
    "exec sleep 5\n", "echo > /dev/stderr; head -c 300000 /dev/urandom | base64\n",
)  # fmt: skip


class Site:
    """Use as a context; it is taken down at the end."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home = home
        self.env = {
            **os.environ, "JOBWARDEN_HOME": str(home), "JOBWARDEN_RUN_JOBS_AS": "worker", "JOBWARDEN_NODE_CPUS": "4",
            "EDITOR": "true", "PAGER": "true", "HOME": str(home),
        }  # fmt: skip
        for name in ("DATABASE_URL", "REDIS_URL"):
            self.env.pop(name, None)
        self._chance = random.Random(seed)
        self._done = threading.Event()
        self._people = threading.Thread(target=self._keep_busy, daemon=True)

    def __enter__(self) -> Site:
        self.run("up", "--no-tui", check=True)
        for _ in range(20):
            self._submit()
        self._people.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._people.join(60)
        self.run("cancel", "state:pending,running", "--yes")
        self.run("down")

    def run(self, *words: str, check: bool = False, script: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command of the shell on this installation."""
        return subprocess.run(
            [*COMMAND, *words], env=self.env, cwd=self.home, input=script or "", text=True, capture_output=True,
            check=check, timeout=120,
        )  # fmt: skip

    def _submit(self) -> None:
        number = self._chance.randrange(len(SCRIPTS))
        hold = ["--hold"] if self._chance.random() < 0.1 else []
        self.run("submit", *hold, "--time", "60", "--name", f"m{number}", "-", script=SCRIPTS[number])

    def _keep_busy(self) -> None:
        while not self._done.wait(self._chance.uniform(0.5, 4.0)):
            self._submit()
            if self._chance.random() < 0.03:
                self.run("drain", "--reason", "monkey", self.node)
                self._done.wait(3.0)
                self.run("resume", self.node)

    @property
    def node(self) -> str:
        """The only node."""
        return os.uname().nodename

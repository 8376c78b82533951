"""A dashboard in a terminal of its own, and what is to be read on it."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass, field

from benchmarks.site import Site, outer_environment, wait_for

SIZE = ("-x", "160", "-y", "48")
ORPHANS_KEY = "2"


@dataclass(slots=True)
class Screen:
    """The orphan screen of a dashboard, run by tmux. Use as a context."""

    site: Site
    _socket: str = field(default_factory=lambda: f"jwnotice-{os.getpid()}")

    def __enter__(self) -> Screen:
        command = shlex.join(self.site.command("tui", "--read-only"))
        self._tmux("-f", "/dev/null", "new-session", "-d", *SIZE, command)
        wait_for("the dashboard", lambda: "db ok" in self.text())
        self._tmux("send-keys", ORPHANS_KEY)
        wait_for("the orphan screen", lambda: "[2 Orphans" in self.text())
        return self

    def __exit__(self, *exc: object) -> None:
        self._tmux("kill-server")

    def text(self) -> str:
        """What it shows this moment."""
        return self._tmux("capture-pane", "-p")

    def shows_dead(self) -> bool:
        """Whether its header counts a dead worker."""
        return " dead" in self.text().partition("\n")[0]

    def orphans(self) -> int:
        """How many jobs it flags as ORPHAN."""
        return sum(" ORPHAN " in line for line in self.text().splitlines())

    def _tmux(self, *arguments: str) -> str:
        environment = {**outer_environment(), **self.site.environment, "TERM": "xterm-256color"}
        command = ["tmux", "-L", self._socket, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        return done.stdout

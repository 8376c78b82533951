"""A person at a terminal: keys are typed into tmux, and what is on the screen is read."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Mapping

WAIT = 60.0
"""Seconds to wait for anything to show."""


class Tmux:
    """A shell in a terminal of tmux."""

    def __init__(self, env: Mapping[str, str], columns: int = 120, lines: int = 40) -> None:
        self._name = f"jw-{uuid.uuid4().hex[:8]}"
        self._env = env
        self.run("new-session", "-d", "-x", str(columns), "-y", str(lines), "bash", "--norc", "-i")

    def close(self) -> None:
        """End the shell and what runs in it."""
        self.run("kill-server")

    def run(self, *arguments: str) -> str:
        """Run a command of tmux; returns its output."""
        command = ["tmux", "-L", self._name, "-f", "/dev/null", *arguments]
        return subprocess.run(command, env=self._env, check=True, capture_output=True, text=True, timeout=WAIT).stdout

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names of them."""
        self.run("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self.run("send-keys", "-l", text)

    def screen(self) -> str:
        """What is on the terminal."""
        return self.run("capture-pane", "-p")

    def until(self, met: Callable[[str], bool]) -> str:
        """Wait until the screen is as it should be; returns it."""
        deadline = time.monotonic() + WAIT
        while not met(screen := self.screen()):
            assert time.monotonic() < deadline, screen
            time.sleep(0.05)
        return screen

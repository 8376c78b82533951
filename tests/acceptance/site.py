"""A machine that somebody installs by the guide: a home with ``jobwarden.toml``, cron, and a terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from jobwarden.backend.config.settings import Settings
from tests.acceptance.page import DEPLOY, ROOT, THEIR_COMMANDS, THEIR_HOME, crontab
from tests.support.cli import COMMAND, Cli, Completed
from tests.support.processes import wait_until

PATIENCE = 60.0
QUICK = """
run_jobs_as = "worker"
node_name = "desk"
node_cpus = 64
node_memory_mb = 65536
heartbeat_seconds = 0.5
lease_seconds = 5
poll_seconds = 0.2
kill_grace_seconds = 1
"""
"""What the tests add to the settings, so that nobody waits."""


@dataclass
class Site:
    """``env`` is what the guide exports, and nothing that names a server: those are in the settings file."""

    settings: Settings
    env: dict[str, str]

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def cli(self) -> Cli:
        return Cli(self.env, self.home)

    def configure(self, *more: str) -> None:
        """Write deploy/jobwarden.toml into the home, with the servers of this run, and ``more`` below it."""
        text = (DEPLOY / "jobwarden.toml").read_text()
        for name in ("database_url", "redis_url"):
            text = _with(text, name, json.dumps(getattr(self.settings, name)))
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "jobwarden.toml").write_text("\n".join([text, QUICK, *more]))

    def here(self, text: str) -> str:
        """Commands of the documents, with this site's places in them."""
        return text.replace(THEIR_HOME, str(self.home)).replace(THEIR_COMMANDS, str(COMMAND.parent))

    def cron(self, verb: str) -> Completed:
        """Run a line of the crontab as cron does: its own variables, little else, and /bin/sh."""
        table = crontab()
        variables = {name: self.here(value) for name, value in table.variables.items()}
        mark = {name: value for name, value in self.env.items() if name.startswith("JWTEST")}
        done = subprocess.run(
            ["/bin/sh", "-c", table.command(verb)], capture_output=True, text=True, timeout=PATIENCE, check=False,
            env={"HOME": self.env["HOME"], "LOGNAME": "jobwarden", **mark, **variables}, cwd=self.env["HOME"],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return Completed(done.returncode, done.stdout, done.stderr)


class Terminal:
    """A shell in the checkout. Blocks of the guide are typed into it one after the other, with what they set."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._said = site.home / f"terminal-{uuid.uuid4().hex[:8]}"
        with self._said.open("wb") as output:
            self._shell = subprocess.Popen(
                ["bash"], stdin=subprocess.PIPE, stdout=output, stderr=output, text=True, cwd=ROOT, env=site.env
            )

    def type(self, text: str) -> Completed:
        """Run commands; the status of the last one, and what all of them said."""
        assert self._shell.stdin is not None
        end, before = f"end-{uuid.uuid4().hex}", self._said.stat().st_size
        self._shell.stdin.write(f"{self._site.here(text)}\necho {end} $?\n")
        self._shell.stdin.flush()

        def finished() -> re.Match[str] | None:
            assert self._shell.poll() is None, self._said.read_text()
            said = self._said.read_bytes()[before:].decode(errors="replace")
            return re.search(rf"(.*){end} (\d+)\n", said, flags=re.DOTALL)

        found = wait_until(finished, PATIENCE, f"the end of {text!r}")
        return Completed(int(found[2]), found[1], "")

    def close(self) -> None:
        """Leave; what runs in the background is ended by the mark of the test."""
        self._shell.kill()
        self._shell.communicate()


def site_environment(home: Path, folder: Path, **more: str) -> dict[str, str]:
    """What the guide exports."""
    return {
        "HOME": str(folder), "LANG": "C.UTF-8", "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
        "JOBWARDEN_HOME": str(home), **more,
    }  # fmt: skip


def _with(text: str, name: str, value: str) -> str:
    """The settings file with its one line of this name set anew."""
    text, count = re.subn(rf"^{name} = .*$", lambda _: f"{name} = {value}", text, flags=re.MULTILINE)
    assert count == 1
    return text

"""The first five minutes of the README as they are written, on two CPUs, with a clock beside them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from tests.acceptance.page import ROOT, section
from tests.acceptance.site import Site, Terminal
from tests.support.cli import COMMAND, Cli, Completed
from tests.support.processes import reap_marked
from tests.support.tmux import Tmux


class Clock:
    """Times the steps of the tour; its report is printed with the test (``pytest -s`` or when it fails)."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self.rows: list[str] = []

    def done(self, step: str) -> None:
        now = time.monotonic()
        self.rows.append(f"{now - self._last:6.1f} s  {step}")
        self._last = now

    def report(self) -> str:
        return "\n".join(["README tour on 2 CPUs:", *self.rows, f"{self._last - self._began:6.1f} s  in all"])


@pytest.fixture
def site(home: Path, tmp_path: Path, mark: str, cli: Cli) -> Iterator[Site]:
    """A home with nothing in it, as ``export JOBWARDEN_HOME`` of the first block makes it."""
    env = {name: value for name, value in cli.env.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    env |= {
        "PATH": f"{COMMAND.parent}:{os.environ['PATH']}", "JOBWARDEN_NODE_CPUS": "2", "TERM": "xterm-256color",
        "JOBWARDEN_NODE_NAME": socket.gethostname(),
    }  # fmt: skip
    home.mkdir(parents=True, exist_ok=True)
    made = Site(Settings(home=home), env)
    yield made
    made.cli("cancel", "state:pending,running", "--yes")
    made.cli("clean", "--yes")
    made.cli("down")
    reap_marked(mark)


def demonstration(site: Site, command: str) -> None:
    """``up --demo`` on a terminal, until the dashboard shows what the dead worker left; then ``q``."""
    with closing(Tmux(site.env, 120, 36)) as tmux:
        tmux.type(command)
        tmux.press("Enter")
        tmux.until(lambda screen: "survivor" in screen and "db ok" in screen)
        tmux.press("q")
        tmux.until(lambda screen: "The screen is closed" in screen)


@pytest.mark.slow
def test_the_first_five_minutes(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    install, look, clean, own, kill, down = section("The first five minutes", page=ROOT / "README.md")
    assert "/tmp" not in "".join((install, look, clean, own, kill, down)), "there somebody else may have been first"
    up = install.strip().splitlines()[-1]
    assert up == "jobwarden up --demo"
    clock = Clock()
    demonstration(site, up)
    clock.done("up --demo, until the dashboard shows orphans, and q")
    with closing(Terminal(site)) as terminal:
        said = typed(terminal, clock, look)
        assert "COMPLETED" in said
        assert "ORPHAN" in said
        assert "would be changed" in said
        assert "0 would be changed" not in said
        assert typed(terminal, clock, clean).count("released") == 5
        assert terminal.type("jobwarden orphans").out.strip() == "no anomalies"

        said = typed(terminal, clock, own)
        assert "exit code 3\n" in said
        assert f"hello world from {socket.gethostname()}\n" in said

        said = typed(terminal, clock, kill)
        job_id = int(terminal.type('echo "$id"').out)
        epochs = [line for line in said.splitlines() if line.startswith("epoch ")]
        assert epochs[-1].startswith("epoch 20 of 20")
        assert epochs == sorted(epochs, key=lambda line: int(line.split()[1]))
        shown = site.cli("show", "--json", job_id).json
        shown = shown[0] if isinstance(shown, list) else shown
        assert (shown["state"], shown["exit_code"], len(shown["allocations"])) == ("COMPLETED", 0, 1)

        assert "go on" in typed(terminal, clock, down) or terminal.type("jobwarden health").code != 0
    with capsys.disabled():
        print(f"\n{clock.report()}")


def typed(terminal: Terminal, clock: Clock, block: str) -> str:
    done: Completed = terminal.type(block)
    clock.done(block.strip().splitlines()[0])
    return done.out

"""What is said of a copy is what is known of it: nothing answers to OSC 52, tmux does."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobwarden.tui.clipboard import DROPPED, IN_TMUX, OSC_52
from tests.tui.fakes import Screen, job, window
from tests.tui.log.test_log_screen import Viewed, opened

LINES = "one\ntwo\nthree\n"


class Tmux:
    """A tmux server of its own, to which this process belongs."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "tmux"

    def __call__(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", self.socket, *words], capture_output=True, text=True, check=True)
        return done.stdout


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux")
    server = Tmux(tmp_path)
    server("-f", "/dev/null", "new-session", "-d", "sleep", "600")
    monkeypatch.setenv("TMUX", f"{server.socket},1,0")
    yield server
    server("kill-server")


async def copied(tmp_path: Path, keys: tuple[str, ...], said: str) -> str:
    """Copy lines of a log and the id of a job, and wait for what is said of it; the clipboard of the dashboard."""
    (tmp_path / "output.log").write_text(LINES)
    screen = Screen()
    async with screen.app.run_test(size=(160, 24)) as pilot:
        row = job(946, spool_dir=str(tmp_path))
        screen.source.deliver(window([row]))
        if keys[0] == "y":
            viewed = await opened(pilot, row, "three")
        else:
            viewed = Viewed(pilot)
            await viewed.until(lambda: "946" in viewed.text)
        await viewed.pilot.press(*keys)
        await viewed.until(lambda: said in viewed.text or said in [note.message for note in pilot.app._notifications])
        assert "copied" not in viewed.text
        return pilot.app.clipboard


WAYS = [(("y", "2", "enter"), "2 lines", "two\nthree\n"), (("Y",), "946:", "946")]


@pytest.mark.parametrize(("keys", "what", "text"), WAYS)
async def test_a_terminal_that_does_not_answer_is_not_answered_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...], what: str, text: str
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    assert await copied(tmp_path, keys, f"{what} {OSC_52}") == text


@pytest.mark.parametrize(("keys", "what", "text"), WAYS)
@pytest.mark.parametrize("option", ["external", "on", "off"])
async def test_tmux_takes_it_and_says_so(
    tmux: Tmux, tmp_path: Path, option: str, keys: tuple[str, ...], what: str, text: str
) -> None:
    tmux("set", "-s", "set-clipboard", option)
    await copied(tmp_path, keys, f"{what} {IN_TMUX}")
    assert tmux("show-buffer") == text
    assert len(tmux("list-buffers").splitlines()) == 1


@pytest.mark.parametrize(("keys", "what", "text"), WAYS)
@pytest.mark.parametrize(("option", "said"), [("external", DROPPED), ("off", DROPPED), ("on", OSC_52)])
async def test_an_old_tmux_is_asked_what_it_lets_through(
    tmux: Tmux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, said: str, keys: tuple[str, ...],
    what: str, text: str,
) -> None:  # fmt: skip
    """One that does not know ``load-buffer -w``, as before 3.2."""
    old = tmp_path / "bin" / "tmux"
    old.parent.mkdir()
    old.write_text(f'#!/bin/sh\n[ "$2" = -w ] && exit 1\nexec {shutil.which("tmux")} "$@"\n')
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    tmux("set", "-s", "set-clipboard", option)
    assert await copied(tmp_path, keys, f"{what} {said}") == text


async def test_a_tmux_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", f"{tmp_path}/none,1,0")
    assert await copied(tmp_path, ("y", "2", "enter"), f"2 lines {DROPPED}") == "two\nthree\n"

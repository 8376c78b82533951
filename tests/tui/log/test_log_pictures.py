"""Pictures of the log screen, on a narrow and a wide terminal."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from jobwarden.backend.logs.view import LineMatches
from jobwarden.tui.screens.log import LogScreen
from jobwarden.tui.widgets.log.body import LogBody
from jobwarden.tui.widgets.log.panel import LogPanel
from tests.tui.fakes import NOW, Screen, job

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
LEVELS = ("\x1b[32mINFO\x1b[0m ", "\x1b[33mWARN\x1b[0m ", "\x1b[1;31mERROR\x1b[0m")
Compare = Callable[..., bool]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of a training, with everything that needs care at its end; last written at a known time."""
    path = tmp_path / "output.log"
    with path.open("wb") as out:
        for step in range(1, 3001):
            level = LEVELS[2] if step % 41 == 0 else LEVELS[1] if step % 13 == 0 else LEVELS[0]
            text = f"2026-03-14 02:{step // 60:02}:{step % 60:02} {level} step {step} loss={9 / step:.4f}"
            out.write(f"{text} file=/data/set/{step % 9}/shard-{step:05}.tfrecord\n".encode())
        out.write("tab\tstop\n\x00\x01 binary \ud800\n".encode("utf-8", "surrogatepass"))
        out.write(
            "日本語のログ [bold]no markup[/bold]\n 10%\r 99%\r100% saved\n\x1b]0;evil\x07\x1b[2Jno title\n".encode()
        )
        out.write(b"x" * 40_000 + b"\nlast line\n")
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return path


Ready = Callable[[LogBody, LogPanel], object]
STATES: dict[str, tuple[list[str], Ready]] = {
    "at the end": ([], lambda body, _: body.view.rows),
    "a match": (
        ["slash", *"ERROR", "enter"],
        lambda body, _: (row := body.current_row) and row.marks and body.view.matches == LineMatches(73, 73),
    ),
    "filtered and numbered": (
        ["number_sign", "ampersand", *"ERROR", "enter"],
        lambda body, _: body.view.only and len(body.view.rows) > 70 and body.view.rows[0].number and not body.view.task,
    ),
    "folded with times": (["w", "t", "g"], lambda body, _: body.view.skipped == 0 and body.current == 0),
    "a wrong place": (["ctrl+g", *"moon", "enter"], lambda body, _: body.view.outcome and body.view.outcome.error),
}


@SIZES
@pytest.mark.parametrize("state", STATES)
def test_the_log_screen(snap_compare: Compare, log: Path, size: tuple[int, int], state: str) -> None:
    _look(snap_compare, log, size, state, "dark")


@SIZES
def test_the_log_screen_in_the_light_theme(snap_compare: Compare, log: Path, size: tuple[int, int]) -> None:
    _look(snap_compare, log, size, "a match", "light")


def _look(snap_compare: Compare, log: Path, size: tuple[int, int], state: str, theme: str) -> None:
    screen = Screen()
    keys, ready = STATES[state]

    async def before(pilot: Pilot[None]) -> None:
        pilot.app.theme = theme
        await pilot.app.push_screen(LogScreen(job(946, spool_dir=str(log.parent))))
        body, panel = pilot.app.screen.query_one(LogBody), pilot.app.screen.query_one(LogPanel)
        while not body.view.rows:
            await asyncio.sleep(0.01)
        await pilot.press(*keys)
        while not ready(body, panel):
            await asyncio.sleep(0.01)
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(screen.app, terminal_size=size, run_before=before)

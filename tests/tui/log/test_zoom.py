"""From the log under the list to the whole screen, at the same place, and back."""

import time
from dataclasses import replace
from pathlib import Path

from jobwarden.backend.domain.states import JobState
from jobwarden.backend.logs.reader import LogReader
from jobwarden.backend.logs.requests import Go, LogSource, Request
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.models.jobs import DetailView
from jobwarden.backend.queries.models.snapshot import Link
from jobwarden.tui.screens.jobs import JobsScreen
from jobwarden.tui.screens.log import LogScreen
from jobwarden.tui.widgets.log.body import LogBody
from tests.tui.fakes import Screen, job, jobs, snapshot, window
from tests.tui.log.test_log_screen import Viewed


async def test_the_key_opens_the_log_where_it_was_and_closes_it(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    log.write_text("".join(f"line {number}\n" for number in range(1, 3001)))
    asked: list[Request] = []
    screen, row = Screen(), job(50, spool_dir=str(tmp_path))
    reader = LogReader(50, log, source=LogSource(row, asked.append))
    async with screen.app.run_test(size=(100, 30)) as pilot:
        viewed = Viewed(pilot)
        screen.source.log = reader.step()
        screen.source.deliver(snapshot())
        screen.source.deliver(window([row, *jobs(49, 5)]))
        await viewed.until(lambda: "line 3000" in viewed.text)
        viewed.panel.focus()
        reader.handle(Go("1500"))
        while not (view := reader.step()).outcome:
            pass
        screen.source.deliver(view)
        await viewed.until(lambda: "line 1500" in viewed.text)
        first = viewed.app.screen.query_one(LogBody).first_offset
        await pilot.press("z")
        await viewed.until(lambda: isinstance(pilot.app.screen, LogScreen) and "line 1500" in viewed.text)
        assert viewed.body.first_offset <= first
        assert viewed.body.current == first
        await pilot.press("z")
        await viewed.until(lambda: isinstance(pilot.app.screen, JobsScreen))
    reader.close()


async def test_it_says_how_the_job_stands_now_and_when_nobody_can_know(tmp_path: Path) -> None:
    (tmp_path / "output.log").write_text("last words\n")
    screen, row = Screen(), job(50, spool_dir=str(tmp_path))
    reader = LogReader(50, tmp_path / "output.log", source=LogSource(row, lambda _: None))
    async with screen.app.run_test(size=(100, 30)) as pilot:
        viewed = Viewed(pilot)
        screen.source.log = reader.step()
        screen.source.deliver(snapshot(link=Link.LOST, retry_at=time.monotonic() + 30))
        screen.source.deliver(window([row]))
        await viewed.until(lambda: "last words" in viewed.text)
        viewed.panel.focus()
        await pilot.press("z")
        await viewed.until(lambda: "● RUNNING · node alpha" in viewed.text.splitlines()[0])
        await viewed.until(lambda: "STALE" in viewed.text.splitlines()[1])
        screen.source.deliver(snapshot())
        screen.source.deliver(window([job(51), replace(row, state=JobState.FAILED)]))
        await viewed.until(lambda: "✗ FAILED · node alpha" in viewed.text.splitlines()[0])
        assert "last words" in viewed.text.splitlines()[1]
        screen.source.deliver(DetailView(49, None))
        screen.source.deliver(window([]))
        await pilot.pause()
        assert "✗ FAILED" in viewed.text.splitlines()[0]
    reader.close()


async def test_without_a_log_there_is_nothing_to_open() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(100, 30)) as pilot:
        viewed = Viewed(pilot)
        screen.source.log = LogView(note="no log yet")
        screen.source.deliver(window(jobs(50, 5)))
        await viewed.until(lambda: "no log yet" in viewed.text)
        viewed.panel.focus()
        await pilot.press("z")
        assert not isinstance(pilot.app.screen, LogScreen)

"""The screen of one job: its parts are a key away, and each shows what the read model knows."""

from dataclasses import replace

from textual.pilot import Pilot

from jobwarden.backend.feeds.jobs import DetailView
from jobwarden.backend.queries.models.pages import EvidenceWanted
from jobwarden.tui.messages import JobWanted
from jobwarden.tui.screens.job import SECTIONS, JobScreen
from jobwarden.tui.screens.jobs import JobsScreen
from tests.tui.fakes import Screen, detail, job, snapshot, window
from tests.tui.scenes import dead_worker, evidence
from tests.tui.test_jobs_screen import shown, text_of
from tests.tui.waiting import until

SIZE = (100, 30)


async def opened(pilot: Pilot[None], screen: Screen) -> JobScreen:
    """Open job 946."""
    screen.source.details[946] = detail(job(946))
    screen.source.answers[EvidenceWanted(946)] = evidence(946)
    await shown(pilot, screen, dead_worker(), window([job(946)]))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(screen.app.screen, JobScreen) and "Requested" in text_of(screen))
    assert isinstance(screen.app.screen, JobScreen)
    return screen.app.screen


async def test_each_part_is_a_key_away_and_none_is_below_the_fold() -> None:
    words = {
        "overview": "at most 1:00:00", "history": "alice@build", "processes": "train.py --epochs",
        "script": "[red]hello[/red]", "environment": "'a b'",
    }  # fmt: skip
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        opened_job = await opened(pilot, screen)
        for section in SECTIONS:
            await until(pilot, lambda: words[opened_job.section] in text_of(screen))
            assert f"[{section.capitalize()}]" in text_of(screen)
            await pilot.press("right_square_bracket")
            await pilot.pause()
        assert opened_job.section == "overview"
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: opened_job.section == "environment")


async def test_processes_are_read_only_while_they_are_looked_at() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen)
        wanted = [what for name, what in screen.source.asked if name == "want"]
        assert wanted[-1] == ()
        await pilot.press("right_square_bracket", "right_square_bracket")
        await until(pilot, lambda: ("want", (EvidenceWanted(946),)) in screen.source.asked)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: screen.source.asked[-1] == ("want", ()))


async def test_a_part_is_opened_with_the_mouse() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        opened_job = await opened(pilot, screen)
        await pilot.click("Sections", offset=(13, 0))
        await until(pilot, lambda: opened_job.section == "history")


async def test_a_job_that_is_gone_is_told() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen)
        screen.source.deliver(DetailView(946, None))
        await until(pilot, lambda: "no longer exists" in text_of(screen))


async def test_the_history_follows_the_job() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen)
        await pilot.press("right_square_bracket")
        known = detail(job(946))
        more = replace(known.events[0], id=9, action="cancel", actor="root@alpha")
        screen.source.deliver(DetailView(946, replace(known, events=(*known.events, more))))
        await until(pilot, lambda: "root@alpha" in text_of(screen))
        screen.source.deliver(snapshot())
        await until(pilot, lambda: "⚠ ORPHAN" not in text_of(screen))


async def test_the_cursor_is_on_the_job_that_was_opened_by_its_number() -> None:
    screen = Screen()
    screen.source.details[944] = detail(job(944))
    async with screen.app.run_test(size=SIZE) as pilot:
        await shown(pilot, screen, dead_worker(), window([job(946), job(945), job(944)]))
        screen.app.post_message(JobWanted(944))
        await until(pilot, lambda: isinstance(screen.app.screen, JobScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(now := screen.app.screen, JobsScreen) and now.selected_id() == 944)

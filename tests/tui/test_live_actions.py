"""Every action by its key, on the dashboard over real servers, a real worker and real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from jobwarden.backend.actions.client import Operator
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.feeds.snapshot import SnapshotFeed
from jobwarden.tui.app.main import JobwardenApp
from jobwarden.tui.dialogs.confirm import Confirm
from jobwarden.tui.screens.base.acting import ActingScreen
from jobwarden.tui.screens.base.list import ListScreen
from jobwarden.tui.widgets.table.virtual import VirtualTable
from tests.support.cli import Cli
from tests.support.processes import reap_marked
from tests.tui.waiting import asks, screen_text, until
from tests.worker.farm import FAST, Farm, alive

SIZE = (130, 44)
POLL = 3600.0
"""Seconds between two polls, far more than any wait here: what shows came by its notice."""
SLEEPER = "echo up; sleep 600 & sleep 600"


@pytest.fixture
def farm(cli: Cli, engine: Engine, settings: Settings, mark: str, tmp_path: Path) -> Iterator[Farm]:
    """Starts workers; all are killed with their jobs after the test."""
    work = tmp_path / "work"
    work.mkdir()
    made = Farm(Cli({**cli.env, **FAST}, cli.cwd), engine, settings, mark, work)
    yield made
    made.clean_up()
    reap_marked(mark)


@pytest.fixture
def app(settings: Settings) -> JobwardenApp:
    """The dashboard."""
    quick = settings.but(kill_grace_seconds=1.0)
    return JobwardenApp(lambda deliver: SnapshotFeed(quick, deliver), Operator(quick))


@pytest.fixture
def unpolled(settings: Settings) -> JobwardenApp:
    """The dashboard, whose poll cannot be what shows a change in time."""
    return JobwardenApp(lambda deliver: SnapshotFeed(settings, deliver, poll=POLL), Operator(settings))


async def listed(pilot: Pilot[None], *job_ids: int) -> None:
    """Wait until these jobs are in the list of the screen, and one of the list is selected."""

    def there() -> bool:
        tables = list(pilot.app.screen.query(VirtualTable).results(VirtualTable))
        return any(table.selected and all(table._lines.line_of(job) is not None for job in job_ids) for table in tables)

    await until(pilot, there, f"jobs {job_ids} in the list")


async def press_alone(pilot: Pilot[None], key: str) -> None:
    """Press the key of an action once the one before it is done."""
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, ActingScreen) and not app.screen.busy, "the last action")
    await pilot.press(key)


async def press(pilot: Pilot[None], key: str, *typed: str) -> None:
    """Press the key of an action, type into its question and go on."""
    app = pilot.app
    await press_alone(pilot, key)
    await until(pilot, lambda: asks(app, Confirm), "the question")
    await pilot.press(*typed, "enter")


async def test_a_running_job_is_killed_with_all_its_processes(app: JobwardenApp, farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(SLEEPER)
    pid = farm.started(job_id).process_id
    async with app.run_test(size=SIZE) as pilot:
        await listed(pilot, job_id)
        await press(pilot, "K", *"hung")
        await until(pilot, lambda: farm.job(job_id).state == "FAILED", "its end")
        await until(pilot, lambda: "✗ FAILED" in screen_text(app), "its end on the screen")
    farm.ended(job_id)
    farm.gone(pid)
    assert farm.job(job_id).failure_reason == "OPERATOR"
    assert "hung" in [row[0] for row in farm.rows("SELECT reason FROM events WHERE job_id = :job", job=job_id)]


async def test_a_running_job_is_cancelled_and_submitted_again(app: JobwardenApp, farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(SLEEPER)
    farm.started(job_id)
    async with app.run_test(size=SIZE) as pilot:
        await listed(pilot, job_id)
        await press(pilot, "c")
        await until(pilot, lambda: "⊘ CANCELLED" in screen_text(app), "its end on the screen")
        await press(pilot, "r", *"again")
        await until(pilot, lambda: farm.scalar("SELECT count(*) FROM jobs") == 2, "another job")
    again = farm.rows("SELECT * FROM jobs ORDER BY id DESC")[0]
    assert again.resubmit_of == job_id


async def test_hold_priority_and_letting_go_work_from_the_queue_and_are_taken_back(
    app: JobwardenApp, farm: Farm
) -> None:
    job_id = farm.submit(SLEEPER)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("4")
        await listed(pilot, job_id)
        await press(pilot, "H")
        await until(pilot, lambda: farm.job(job_id).held and "‖ HELD" in screen_text(app), "the hold")
        await press(pilot, "U")
        await until(pilot, lambda: not farm.job(job_id).held, "the job to be let go")
        await press(pilot, "P", *"70", "tab")
        await until(pilot, lambda: farm.job(job_id).priority == 70, "the priority")
        await until(pilot, lambda: " 70 " in screen_text(app), "the priority on the screen")
        await press_alone(pilot, "Z")
        await until(pilot, lambda: farm.job(job_id).priority == 0, "the former priority")
        await press_alone(pilot, "Z")
        await until(pilot, lambda: farm.job(job_id).held, "the hold that letting go had ended")
    assert farm.events(job_id)[1:] == ["hold", "unhold", "priority", "priority", "hold"]


async def test_a_node_is_drained_and_resumed(app: JobwardenApp, farm: Farm) -> None:
    farm.worker()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "● ONLINE" in screen_text(app), "the node")
        await press(pilot, "d", *"new disk")
        await until(pilot, lambda: "Drained     new disk" in screen_text(app), "the drain on the screen")
        assert farm.scalar("SELECT drained FROM nodes")
        await press(pilot, "r")
        await until(pilot, lambda: "● ONLINE" in screen_text(app), "the node at work")
        assert not farm.scalar("SELECT drained FROM nodes")
        await press_alone(pilot, "Z")
        await until(pilot, lambda: farm.scalar("SELECT drain_reason FROM nodes") == "new disk", "the drain back")


def anomalies_of(app: JobwardenApp) -> list[int]:
    """The jobs on the screen of the orphans, whatever window is over it."""
    screen = next(screen for screen in app.screen_stack if isinstance(screen, ListScreen))
    return [row.job_id for row in screen.table.listed]


async def test_orphans_are_found_looked_at_and_cleaned_up(app: JobwardenApp, farm: Farm) -> None:
    worker = farm.worker()
    first, second = farm.submit(SLEEPER), farm.submit(SLEEPER)
    pids = [farm.started(job_id).process_id for job_id in (first, second)]
    async with app.run_test(size=SIZE) as pilot:
        await listed(pilot, first, second)
        await pilot.press("2")
        await until(pilot, lambda: "no anomalies" in screen_text(app), "a screen without anomalies")
        worker.kill()
        await until(pilot, lambda: screen_text(app).count("⚠ ORPHAN") == 2, "the orphans")
        await until(pilot, lambda: "sleep 600" in screen_text(app), "the process tree")
        assert "KILL" in screen_text(app) and "✗ DEAD" in screen_text(app)
        await pilot.press("space")
        await press(pilot, "C", *"node died")
        await until(pilot, lambda: farm.job(first).state == "FAILED", "the clean-up of the marked one")
        assert farm.job(second).state == "RUNNING" and alive(pids[1])
        await until(pilot, lambda: anomalies_of(app) == [second], "the line of the first to go")
        await press(pilot, "C")
        await until(pilot, lambda: farm.job(second).state == "FAILED", "the clean-up of the other")
        await until(pilot, lambda: "no job's record and processes disagree" in screen_text(app), "an empty screen")
    farm.gone(*pids)


async def test_a_lost_job_is_marked_failed_and_what_it_holds_released(app: JobwardenApp, farm: Farm) -> None:
    worker = farm.worker()
    job_id = farm.submit(SLEEPER)
    held = farm.started(job_id)
    worker.kill()
    async with app.run_test(size=SIZE) as pilot:
        await listed(pilot, job_id)
        await pilot.press("F")
        await until(pilot, lambda: "is alive" in screen_text(app), "what speaks against it")
        await pilot.press("escape")
        farm.execute("UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id = :job", job=job_id)
        farm.kill_processes(held.process_id)
        reap_marked(farm.mark)
        farm.gone(held.process_id)
        await until(pilot, lambda: "⚠ LEAKED" in screen_text(app), "the leak")
        await press(pilot, "R", *"scrapped")
        await until(pilot, lambda: farm.allocation(job_id).released, "the release")


async def test_what_is_typed_in_psql_shows_on_every_screen_by_its_notice(unpolled: JobwardenApp, farm: Farm) -> None:
    app, job_id = unpolled, farm.submit(SLEEPER)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("4")
        await listed(pilot, job_id)
        await pilot.press("5")
        await until(pilot, lambda: isinstance(app.screen, ListScreen) and app.screen.NAME == "events", "the audit")
        farm.execute("UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id = :job", job=job_id)
        await until(pilot, lambda: "✗ FAILED" in screen_text(app), "the event")
        await until(pilot, lambda: "1 failed" in screen_text(app), "the count in the header")
        await pilot.press("4")
        await until(pilot, lambda: "no job is waiting" in screen_text(app), "an empty queue")

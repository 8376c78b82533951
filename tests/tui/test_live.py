"""The dashboard on real servers: what happens in the database is on the screen."""

import subprocess
from collections.abc import Iterator

import pytest

from jobwarden.backend.actions.client import Operator
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.feeds.snapshot import SnapshotFeed
from jobwarden.tui.app.main import JobwardenApp
from jobwarden.tui.dialogs.confirm import Confirm
from jobwarden.tui.screens.jobs_table import JobTable
from tests.queries.rows import add_jobs, add_worker, start, typed
from tests.tui.waiting import asks, screen_text, until

SIZE = (120, 40)


@pytest.fixture
def app(settings: Settings) -> JobwardenApp:
    return JobwardenApp(lambda deliver: SnapshotFeed(settings, deliver), Operator(settings))


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a worker."""
    with subprocess.Popen(["sleep", "600"]) as sleeping:
        yield sleeping
        sleeping.kill()


def line_of(app: JobwardenApp, job_id: int) -> str:
    """The line of a job in the table."""
    return next((line for line in screen_text(app).splitlines() if line.startswith(f"{job_id:>9} ")), "")


async def test_hand_typed_sql_shows(app: JobwardenApp, engine: Engine) -> None:
    job_id, other = add_jobs(engine, 2)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "PENDING" in line_of(app, job_id))
        typed(engine, f"UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id={job_id}")
        await until(pilot, lambda: "FAILED" in line_of(app, job_id))
        await until(pilot, lambda: "1 failed" in screen_text(app))
        assert "PENDING" in line_of(app, other)


async def test_a_killed_worker_and_its_jobs_are_flagged(
    app: JobwardenApp, engine: Engine, process: subprocess.Popen[bytes]
) -> None:
    (job_id,) = add_jobs(engine, 1)
    start(engine, [job_id], add_worker(engine, "node1", process.pid))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "1 alive" in screen_text(app) and "RUNNING" in line_of(app, job_id))
        process.kill()
        await until(pilot, lambda: "1 dead" in screen_text(app) and "⚠" in line_of(app, job_id))


async def test_cancelling_a_waiting_job_is_done_and_audited(app: JobwardenApp, engine: Engine) -> None:
    (job_id,) = add_jobs(engine, 1)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.screen.query_one(JobTable).selected)
        await pilot.press("c")
        await until(pilot, lambda: asks(app, Confirm))
        await pilot.press(*"wrong input", "enter")
        await until(pilot, lambda: "CANCELLED" in line_of(app, job_id))
    with engine.connect() as conn:
        event = conn.execute(text("SELECT action, reason, to_state FROM events ORDER BY id DESC LIMIT 1")).one()
    assert tuple(event) == ("cancel", "wrong input", "CANCELLED")


async def test_looking_at_a_question_writes_nothing(app: JobwardenApp, engine: Engine) -> None:
    add_jobs(engine, 1)
    with engine.connect() as conn:
        before = conn.scalar(text("SELECT count(*) FROM events"))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.screen.query_one(JobTable).selected)
        await pilot.press("K")
        await until(pilot, lambda: asks(app, Confirm))
        await pilot.press("escape")
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM events")) == before

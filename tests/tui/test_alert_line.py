"""Open alerts on every screen: the line with their number and the newest one's message."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from textual.pilot import Pilot

from jobwarden.backend.actions.client import Operator
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.feeds.snapshot import SnapshotFeed
from jobwarden.backend.monitoring.alerts.records import Reading
from jobwarden.backend.monitoring.alerts.store import clear_alert, open_alerts, raise_alerts
from jobwarden.backend.queries.models.snapshot import AlertRow
from jobwarden.tui.app.main import JobwardenApp
from jobwarden.tui.text import Text
from jobwarden.tui.widgets.header.header import AlertLine, alert_line
from tests.tui.fakes import NOW, Screen, jobs, snapshot, window
from tests.tui.waiting import screen_text, until

DISK = AlertRow(1, "disk", "alpha", "the spool is 97% full", 97.0, 90.0, NOW - timedelta(minutes=40))
ORPHANS = AlertRow(2, "orphans", "", "12 jobs run without a worker", 12.0, 10.0, NOW - timedelta(minutes=2))
SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
Compare = Callable[..., bool]


def test_the_newest_is_named_and_all_are_counted() -> None:
    said = alert_line(snapshot(alerts=(DISK, ORPHANS)))
    assert "2 alerts, newest: 12 jobs run without a worker" in said


def test_the_node_of_an_alert_is_named() -> None:
    assert "1 alert, on alpha: the spool is 97% full" in alert_line(snapshot(alerts=(DISK,)))


def test_a_message_cannot_steer_the_terminal() -> None:
    said = Text(alert_line(snapshot(alerts=(replace(ORPHANS, message="job \x1b[2J[red]x[/red] waits"),)))).plain
    assert "\x1b" not in said
    assert "[red]x[/red] waits" in said


async def test_the_line_comes_and_goes() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        line = screen.app.screen.query_one(AlertLine)
        screen.source.deliver(snapshot(alerts=(DISK,)))
        await until(pilot, lambda: line.display and "the spool is 97% full" in screen_text(screen.app))
        screen.source.deliver(snapshot(number=2))
        await until(pilot, lambda: not line.display and "97%" not in screen_text(screen.app))


async def test_alerts_of_the_database_are_shown_until_they_are_cleared(settings: Settings, engine: Engine) -> None:
    app = JobwardenApp(lambda deliver: SnapshotFeed(settings, deliver), Operator(settings))
    async with app.run_test(size=(120, 40)) as pilot:
        with engine.begin() as conn:
            raise_alerts(conn, [Reading("orphans", "", 12.0, 10.0, "12 jobs run without a worker")])
        await until(pilot, lambda: "12 jobs run without a worker" in screen_text(app))
        with engine.begin() as conn:
            clear_alert(conn, open_alerts(conn)[0], "resolved: no job does", 0)
        await until(pilot, lambda: "12 jobs run without" not in screen_text(app))


@SIZES
def test_two_alerts(snap_compare: Compare, size: tuple[int, int]) -> None:
    screen = Screen()

    async def before(pilot: Pilot[None]) -> None:
        screen.source.deliver(snapshot(alerts=(DISK, ORPHANS)))
        screen.source.deliver(window(jobs(950, 120)))
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(screen.app, terminal_size=size, run_before=before)

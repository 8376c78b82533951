"""The bell rings once for what is new, and the title counts."""

from functools import partial

import pytest

from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.app.base import Alarm, set_title, title
from jobwarden.tui.app.main import JobwardenApp
from jobwarden.tui.config.preferences import Preferences
from tests.tui.fakes import Screen, incident, snapshot
from tests.tui.waiting import until


def test_only_what_is_new_rings() -> None:
    alarm = Alarm()
    told = [alarm.new(one) for one in (incident(1), incident(1), incident(1, 2), incident(2), snapshot(), incident(1))]
    assert told == [False, False, True, False, False, True]


def test_before_the_first_data_nothing_is_known() -> None:
    alarm = Alarm()
    assert not alarm.new(snapshot(taken_at=None))
    assert not alarm.new(incident(1))


def test_the_title_counts_anomalies_and_cannot_be_broken_out_of() -> None:
    assert title(incident(1, 2)) == "⚠2 jobwarden"
    assert title(snapshot()) == "jobwarden"
    assert set_title("a\x07b\x1b[2Jc") == "\x1b]2;a·b·[2Jc\x07"


async def rings(preferences: Preferences) -> int:
    """How often the bell rang when one anomaly appeared and another after it."""
    screen = Screen()
    rung: list[JobwardenApp] = []
    screen.app.preferences = preferences
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screen.app, "bell", lambda: rung.append(screen.app))
        async with screen.app.run_test() as pilot:
            for news in (snapshot(), incident(1), incident(1, 2), incident(1, 2)):
                screen.source.deliver(news)
                await until(pilot, partial(_keeps, screen, news))
    return len(rung)


def _keeps(screen: Screen, news: Snapshot) -> bool:
    return screen.app.context.kept.snapshot is news


async def test_the_bell_rings_for_each_new_anomaly() -> None:
    assert await rings(Preferences()) == 2


async def test_the_bell_can_be_turned_off() -> None:
    assert await rings(Preferences(bell=False)) == 0

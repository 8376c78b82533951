"""The sparklines of the header, and what it says of a queue that is behind."""

import pytest

from jobwarden.backend.queries.models.snapshot import Link
from jobwarden.backend.queries.rates import MINUTES, Minute, Rates
from jobwarden.tui.widgets.header.render import Colours, header_lines, rates, spark
from tests.tui.fakes import incident, snapshot

PLAIN = Colours({})
BUSY = Rates((*(Minute(number, number // 2, number % 2) for number in range(MINUTES - 2)), Minute(12, 7, 3), Minute()))


@pytest.mark.parametrize(
    ("values", "width", "bars"),
    [
        ([], 3, "   "), ([0, 0], 2, "  "), ([1], 1, "█"), ([1, 1000], 2, "▁█"), ([1, 2, 3, 4], 2, "▆█"),
        ([3, 6], 3, " ▄█"), ([5], 0, ""),
    ],
)  # fmt: skip
def test_a_sparkline(values: list[int], width: int, bars: str) -> None:
    assert spark(values, width) == bars


def test_the_figures_are_of_the_last_whole_minute() -> None:
    wide = rates(BUSY, 200, {}).plain
    assert [wide.count(word) for word in ("started", "completed", "failed")] == [1, 1, 1]
    assert "12/min" in wide and "7/min" in wide and "3/min" in wide
    assert "12▸ 7✓ 3✗/min" in rates(BUSY, 30, {}).plain


@pytest.mark.parametrize("room", range(130))
def test_it_keeps_to_its_room_or_says_nothing(room: int) -> None:
    assert rates(BUSY, room, {}).cell_len <= max(0, room)


def test_before_the_first_reading_nothing_is_claimed() -> None:
    assert rates(Rates(), 200, {}).plain == ""


@pytest.mark.parametrize("width", [80, 100, 120, 160, 240])
def test_the_header_keeps_its_width_with_rates(width: int) -> None:
    lines = header_lines(incident(1, 2), width, PLAIN)
    busy = header_lines(snapshot(rates=BUSY), width, PLAIN)
    assert [line.cell_len for line in (*lines, *busy)] == [width] * len(lines) * 2
    assert "▇" in busy[-1].plain or "█" in busy[-1].plain


@pytest.mark.parametrize(("lag", "said"), [(0.0, False), (2.9, False), (4.0, True), (60.0, True)])
def test_a_queue_that_is_behind_is_said(lag: float, said: bool) -> None:
    assert ("queue lag" in header_lines(snapshot(rates=Rates(doorbell_lag=lag)), 160, PLAIN)[0].plain) is said


def test_an_old_lag_is_not_said_of_the_present() -> None:
    stale = snapshot(rates=Rates(doorbell_lag=60.0), link=Link.LOST)
    assert "queue lag" not in header_lines(stale, 160, PLAIN)[0].plain

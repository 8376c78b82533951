"""Garbage is collected while nobody types, and what is there after the start is left out of it."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jobwarden.backend.queries.models.snapshot import Link, Snapshot
from jobwarden.tui.app.gc_pauses import QUIET_SECONDS, SWITCH_SECONDS, WORTH_IT, GarbagePauses
from jobwarden.tui.app.main import JobwardenApp
from tests.tui.fakes import FakeActionClient, FakeSource


class Clock:
    """Stands still unless it is moved on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Ring:
    """A cycle, which only a collection can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gc_pauses(clock: Clock) -> Iterator[GarbagePauses]:
    with GarbagePauses(clock) as gc_pauses:
        yield gc_pauses


def _rest(clock: Clock) -> None:
    clock.now += QUIET_SECONDS + 0.1


def test_nothing_is_collected_before_the_start_is_over(gc_pauses: GarbagePauses, clock: Clock) -> None:
    _rest(clock)
    gc_pauses.look(started=False)
    assert not gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_what_is_there_after_the_start_is_kept_out_of_collections(gc_pauses: GarbagePauses, clock: Clock) -> None:
    _rest(clock)
    gc_pauses.look(started=True)
    assert gc.isenabled()
    assert gc.get_freeze_count() > 1000
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)


def test_nothing_is_collected_while_somebody_types(gc_pauses: GarbagePauses, clock: Clock) -> None:
    _rest(clock)
    gc_pauses.typed()
    gc_pauses.look(started=True)
    assert gc.get_freeze_count() == 0


def test_garbage_is_collected_once_there_is_some_and_nobody_types(
    gc_pauses: GarbagePauses, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rest(clock)
    gc_pauses.look(started=True)
    collected: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    gc_pauses.look(started=True)
    assert collected == []
    for _ in range(WORTH_IT):
        gc.disable()
        _collect_the_youngest()
    gc_pauses.typed()
    gc_pauses.look(started=True)
    assert collected == []
    _rest(clock)
    gc_pauses.look(started=True)
    assert collected == [1]


def _collect_the_youngest() -> None:
    """Make so much that the interpreter collects by itself."""
    before = gc.get_stats()[0]["collections"]
    kept: list[Ring] = []
    gc.enable()
    while gc.get_stats()[0]["collections"] == before:
        kept.append(Ring())


def test_everything_is_as_before_afterwards() -> None:
    before = (sys.getswitchinterval(), gc.get_threshold(), gc.isenabled())
    with GarbagePauses(Clock()):
        assert not gc.isenabled()
    assert (sys.getswitchinterval(), gc.get_threshold(), gc.isenabled()) == before
    assert gc.get_freeze_count() == 0


async def test_the_dashboard_says_when_somebody_types_and_looks_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(GarbagePauses, "typed", lambda self: seen.append("typed"))
    monkeypatch.setattr(GarbagePauses, "look", lambda self, *, started: seen.append(f"looked {started}"))
    monkeypatch.setattr("jobwarden.tui.app.main.LOOK_SECONDS", 0.02)
    app = JobwardenApp(FakeSource, FakeActionClient(), gc_pauses=GarbagePauses())
    async with app.run_test() as pilot:
        await pilot.press("j")
        assert "typed" in seen
        app.context.kept.keep(replace(Snapshot(), link=Link.LIVE, taken_at=datetime.now(UTC)))
        while "looked True" not in seen:
            await pilot.pause(0.01)


def test_a_key_never_waits_long_for_the_next_frame() -> None:
    code = "import jobwarden.tui.app.main; from textual.screen import UPDATE_PERIOD; print(UPDATE_PERIOD)"
    environment = {name: value for name, value in os.environ.items() if name != "TEXTUAL_FPS"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert float(said.stdout) <= 0.005

"""A mistake of ours in a reading thread is on the screen and in the log, once, and the thread goes on."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.feeds.logs import LogFollower
from jobwarden.backend.feeds.updates import internal_error
from jobwarden.backend.logs.reader import LogReader
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries import job_window
from jobwarden.backend.queries.workers import read_capacity
from tests.feeds.listening import collecting
from tests.queries.rows import add_jobs
from tests.support.processes import wait_until
from tests.tui.fakes import job


class Broken:
    """Raises as often as it is called, until it is mended."""

    def __init__(self, real: Callable[..., object]) -> None:
        self.real = real
        self.mended = False

    def __call__(self, *args: object, **kwargs: object) -> object:
        if not self.mended:
            raise ZeroDivisionError("the bug")
        return self.real(*args, **kwargs)


def _tracebacks(caplog: pytest.LogCaptureFixture) -> int:
    return sum("ZeroDivisionError: the bug" in (record.exc_text or caplog.text) for record in caplog.records)


def test_the_same_error_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    first = internal_error(ZeroDivisionError("the bug"), "")
    assert internal_error(ZeroDivisionError("the bug"), first) == first
    assert internal_error(ZeroDivisionError("another"), first) != first
    assert len(caplog.records) == 2


def test_a_broken_overview_is_said_logged_and_comes_back(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Broken(read_capacity)
    monkeypatch.setattr("jobwarden.backend.feeds.snapshot.read_capacity", broken)
    with caplog.at_level(logging.ERROR), collecting(settings) as (_, heard):
        heard.snapshot(lambda snapshot: "ZeroDivisionError: the bug" in snapshot.database.message)
        broken.mended = True
        heard.snapshot(lambda snapshot: snapshot.database.ok)
    assert _tracebacks(caplog) == 1


def test_a_broken_list_is_said_logged_and_comes_back(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add_jobs(engine, 1)
    broken = Broken(job_window.open_top)
    monkeypatch.setattr(job_window, "open_top", broken)
    with caplog.at_level(logging.ERROR), collecting(settings) as (_, heard):
        heard.window(lambda window: "ZeroDivisionError: the bug" in window.error)
        broken.mended = True
        heard.window(lambda window: window.rows and not window.error)
    assert _tracebacks(caplog) == 1


def test_a_broken_log_is_said_and_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(LogReader, "step", Broken(LogReader.step))
    heard: list[LogView] = []
    follower = LogFollower(heard.append)
    follower.start()
    try:
        with caplog.at_level(logging.ERROR):
            follower.follow(job(4, spool_dir=str(tmp_path)))
            wait_until(lambda: heard and "ZeroDivisionError: the bug" in heard[-1].note)
    finally:
        follower.stop()
    assert _tracebacks(caplog) == 1

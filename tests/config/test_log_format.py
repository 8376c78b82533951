"""What the worker's log says again and again is said once, and counted."""

from __future__ import annotations

import logging
import time

import pytest

from jobwarden.backend import log_format


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def record(text: str, *args: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("a", level, __file__, 1, text, args, None)


def test_the_same_warning_is_written_once_and_counted(clock: list[float]) -> None:
    repeats = log_format.Repeats()
    assert repeats.filter(record("lost: %s", "no route"))
    for _ in range(500):
        clock[0] += 1
        assert not repeats.filter(record("lost: %s", "no route"))
    assert repeats.filter(record("lost: %s", "refused")), "another reason is news"
    clock[0] += log_format.REPEAT_SECONDS
    again = record("lost: %s", "no route")
    assert repeats.filter(again)
    assert again.getMessage() == "lost: no route (500 more since then)"


def test_other_levels_pass(clock: list[float]) -> None:
    repeats = log_format.Repeats()
    assert all(repeats.filter(record("x", level=level)) for level in (logging.INFO, logging.ERROR) for _ in range(3))


def test_what_is_remembered_has_a_limit(clock: list[float]) -> None:
    repeats = log_format.Repeats()
    assert all(repeats.filter(record("number %d", n)) for n in range(3 * log_format.MOST_REMEMBERED))
    assert len(repeats._said) <= log_format.MOST_REMEMBERED

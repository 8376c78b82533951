"""The benchmark of the dashboard, small: it measures what it says it measures."""

import argparse
import time
from pathlib import Path

import pytest

from benchmarks.dashboard.__main__ import measure, rows
from benchmarks.dashboard.delta import draw_deltas
from benchmarks.dashboard.measure import Figures
from benchmarks.dashboard.seed import Changes, seed
from jobwarden.backend.database.driver import Engine, text


def test_the_seed_is_as_large_as_asked_and_counted(engine: Engine) -> None:
    seed(engine, 500)
    seed(engine, 250)
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM jobs")) == 750
        assert conn.scalar(text("SELECT sum(pending) FROM job_counts")) == 150


def test_changes_happen_while_the_context_lasts(engine: Engine) -> None:
    seed(engine, 200)
    deadline = time.monotonic() + 60
    with Changes(engine, 1000) as changes:
        while changes.made < 30 and time.monotonic() < deadline:
            time.sleep(0.01)
    made = changes.made
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT sum(priority - id % 7) FROM jobs")) == made >= 30


def test_a_delta_is_drawn_and_costs_something(engine: Engine) -> None:
    seed(engine, 500)
    taken = draw_deltas(engine, 500, 2)
    assert len(taken) == 2
    assert all(seconds > 0 for seconds in taken)


def test_every_figure_has_a_line() -> None:
    figures = Figures([0.5], [0.6], [0.01], [0.02], [0.1], [0.15], [0.012], 0.02, 0.1, 120.0, 7)
    lines = {name: measured for name, _, measured in rows(figures, {10: [0.003]})}
    assert lines["first paint"] == "0.50 s"
    assert lines["memory"] == "120 MiB"
    assert lines["delta of 300 rows at 10 jobs, p95"] == "3.0 ms"


@pytest.mark.slow
def test_the_whole_of_it_with_few_jobs(home: Path) -> None:
    options = argparse.Namespace(jobs=400, changes=100, keys=10, starts=1, idle=0.3, deltas=2)
    report = measure(home, options)
    assert "first rows" in report
    assert "400 jobs" in report

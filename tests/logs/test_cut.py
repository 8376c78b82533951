"""A log whose middle was cut out because it was over its limit: one row says so, the rest is read as ever."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobwarden.backend.logs.requests import Find, Go, Number, Save
from jobwarden.backend.logs.rows import LogRow, rows_after, rows_before
from jobwarden.backend.logs.search import Pattern
from jobwarden.backend.process.log_truncation import Cut, trim
from tests.logs.test_reader import Open, append, open_log

__all__ = ["open_log"]
LIMIT = 1 << 20
BEGIN = datetime(2026, 3, 14)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "output.log"
    with path.open("w") as out:
        for number in range(1, 100_001):
            out.write(f"{BEGIN + timedelta(seconds=number)} line {number}\n")
    return path


def cut(log: Path) -> Cut:
    done = trim(str(log.parent), LIMIT)
    assert done is not None
    return done


def test_rows_are_the_same_from_both_sides(log: Path) -> None:
    hole, size = cut(log), log.stat().st_size
    with log.open("rb") as file:
        down: list[LogRow] = []
        while not down or down[-1].end < size:
            down += rows_after(file.fileno(), down[-1].end if down else 0, size, 500, hole)
        up: list[LogRow] = []
        while not up or up[0].start > 0:
            up[:0] = rows_before(file.fileno(), up[0].start if up else size, 500, hole)
    assert down == up
    assert [row.text for row in down if " line " not in row.text] == [hole.notice]
    assert "\x00" not in "".join(row.text for row in down)
    assert "␀" not in "".join(row.text for row in down)


def test_a_cut_while_it_is_read_is_said_and_shown(log: Path, open_log: Open) -> None:
    viewer = open_log(log)
    half = viewer.ended(Go("50%")).goto
    hole = cut(log)
    assert half is not None
    assert hole.holds(half)
    view = viewer.wait(lambda view: hole.notice in view.lines)
    assert view.outcome is not None
    assert "the middle of this log was cut out" in view.outcome.text
    append(log, b"it goes on\n")
    viewer.wait(lambda view: view.size == log.stat().st_size)
    assert viewer.ended(Go("100%")).goto == log.stat().st_size - len("it goes on\n")


def test_searching_going_and_counting_step_over_it(log: Path, open_log: Open) -> None:
    hole = cut(log)
    viewer = open_log(log)
    found = viewer.ended(Find(Pattern(r"line 77$", regex=True), "up", log.stat().st_size))
    assert viewer.line_at(found.goto).endswith(" line 77")
    late = viewer.ended(Go(str(BEGIN + timedelta(seconds=99_000))))
    assert viewer.line_at(late.goto).endswith(" line 99000")
    missing = viewer.ended(Go(str(BEGIN + timedelta(seconds=50_000))))
    assert viewer.line_at(missing.goto) == hole.notice
    early = viewer.ended(Go(str(BEGIN + timedelta(seconds=1000))))
    assert viewer.line_at(early.goto).endswith(" line 1000")
    with log.open("rb") as file:
        left = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    assert viewer.ask(Number(True), lambda view: view.total).total == left


def test_a_saved_copy_has_a_line_in_its_place(log: Path, open_log: Open, tmp_path: Path) -> None:
    hole = cut(log)
    open_log(log).ended(Save(str(tmp_path / "copy")))
    whole = log.read_bytes()
    assert (tmp_path / "copy").read_bytes() == whole[: hole.start] + f"{hole.notice}\n".encode() + whole[hole.end :]

"""Times at the ends of the calendar: a job writes any, and sets any for its log; nobody may stumble over them."""

from __future__ import annotations

import os
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobwarden.backend.errors import InputError
from jobwarden.backend.logs import line_index
from jobwarden.backend.logs.file import LogFile
from jobwarden.backend.logs.loaded_rows import READ_BYTES
from jobwarden.backend.logs.reader import LogReader
from jobwarden.backend.logs.requests import Go
from jobwarden.backend.logs.row_buffer import MOST_ROWS
from jobwarden.backend.logs.search import Pattern
from jobwarden.backend.logs.timestamps import read_clock, stamp_of

NOW = datetime(2026, 3, 14, tzinfo=UTC)


@pytest.mark.parametrize("line", ["0001-01-01 00:00:00", "9999-12-31 23:59:59"])
def test_a_line_begins_with_a_time_that_has_no_neighbours(line: str) -> None:
    stamp_of(line.encode(), NOW)
    read_clock(line, NOW)


def test_a_time_before_the_calendar_is_no_place() -> None:
    with pytest.raises(InputError, match="is no place in a log"):
        line_index.parse("-999999d", NOW, NOW)


@pytest.mark.parametrize("seconds", [-(2**40), 2**40, 2**33])
def test_a_job_sets_the_time_of_its_log(seconds: int, tmp_path: Path) -> None:
    """``touch -d`` takes times that no date can show, where the file system keeps them."""
    path = tmp_path / "output.log"
    path.write_text("2026-03-14 03:00:05 a\n")
    os.utime(path, (seconds, seconds))
    log = LogFile(path)
    log.look()
    log._take(os.stat_result((*path.stat()[:8], seconds, seconds)))  # where the file system here does not keep it
    datetime.fromtimestamp(log.written).astimezone()
    log.close()
    reader = LogReader(1, path)
    reader.step()
    reader.handle(Go("03:00"))
    assert reader.step().outcome is not None
    reader.close()


def test_an_odd_expression_prints_nothing_across_the_screen() -> None:
    with warnings.catch_warnings(action="error"):
        Pattern("[[a]--b", regex=True).check()


def test_a_log_of_empty_lines_is_followed_by_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what will be held is read: 100,000 lines in 100 kB took seconds of work for each look."""
    path = tmp_path / "output.log"
    path.write_text("a\n")
    reader = LogReader(1, path)
    reader.step()
    read: list[int] = []
    pread = os.pread

    def counting(fd: int, size: int, offset: int) -> bytes:
        read.append(1)
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", counting)
    with path.open("a") as file:
        file.write("\n" * (READ_BYTES - 100))
    view = reader.step()
    reader.close()
    assert view.end == view.size
    assert len(view.rows) <= MOST_ROWS
    assert len(read) < 20

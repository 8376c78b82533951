"""A file split into rows: the same rows from whichever side they are read, none too long, nothing lost."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobwarden.backend.logs import line_index as index_module
from jobwarden.backend.logs import rows as rows_module
from jobwarden.backend.logs.line_index import LineIndex
from jobwarden.backend.logs.rows import LogRow, row_start, rows_after, rows_before

CONTENT = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.just(b"\n"),
        st.sampled_from([b"x" * 100, "日本語".encode() * 20, "é".encode() * 9, b"\n\n\n", b"\r\n"]),
    ),
    max_size=30,
).map(b"".join)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break lines early, so that short files have everything."""
    monkeypatch.setattr(rows_module, "PIECE", 16)
    monkeypatch.setattr(rows_module, "CHUNK", 64)
    monkeypatch.setattr(index_module, "EVERY", 32)
    monkeypatch.setattr(index_module, "_STEP", 8)


def all_down(file: int, size: int) -> list[LogRow]:
    rows: list[LogRow] = []
    while not rows or rows[-1].end < size:
        rows += rows_after(file, rows[-1].end if rows else 0, size, 7)
    return rows


def all_up(file: int, size: int) -> list[LogRow]:
    rows: list[LogRow] = []
    while not rows or rows[0].start > 0:
        rows[:0] = rows_before(file, rows[0].start if rows else size, 5)
    return rows


@settings(deadline=None)
@given(CONTENT.filter(len))
def test_rows_are_the_same_from_both_sides_and_cover_the_file(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("rows") / "log"
    path.write_bytes(data)
    with path.open("rb") as log:
        down, up = all_down(log.fileno(), len(data)), all_up(log.fileno(), len(data))
        assert down == up
        assert b"".join(data[row.start : row.end] for row in down) == data
        assert max(row.end - row.start for row in down) <= 2 * 16 + 3
        assert sum(row.begins for row in down) == len(data.removesuffix(b"\n").split(b"\n"))
        for offset in range(len(data)):
            start = row_start(log.fileno(), offset, len(data))
            assert any(row.start == start <= offset < row.end for row in down)


@settings(deadline=None)
@given(CONTENT)
def test_the_index_knows_every_line(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("index") / "log"
    path.write_bytes(data)
    index, size = LineIndex(), len(data)
    with path.open("rb") as log:
        while not index.complete(size):
            index.advance(log.fileno(), size)
        begin = 0
        for number, line in enumerate(data.split(b"\n")[:-1], start=1):
            assert index.offset_of(log.fileno(), number, size) == begin
            assert index.number_at(log.fileno(), begin) == number
            begin += len(line) + 1
        assert index.offset_of(log.fileno(), data.count(b"\n") + 2, size) is None


def test_what_is_not_counted_yet_has_no_number(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"line\n" * 100)
    with path.open("rb") as log:
        assert LineIndex().number_at(log.fileno(), 400) is None
        assert LineIndex().number_at(log.fileno(), 10) == 3


def test_no_character_is_cut_where_a_long_line_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes("日本語".encode() * 30)
    with path.open("rb") as log:
        rows = all_down(log.fileno(), path.stat().st_size)
    assert "".join(row.text for row in rows) == "日本語" * 30
    assert [row.begins for row in rows] == [True] + [False] * (len(rows) - 1)

"""The end of a log: safe to show whatever was written, followed through growth, truncation and rotation."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.readmodel import logs
from backend.readmodel.logs import LogTail, harmless, show_line

RED, END = "\x1b[31m", "\x1b[0m"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "output.log"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain", "plain"),
        (f"{RED}red{END}", f"{RED}red{END}"),
        ("\x1b[38;5;208morange", "\x1b[38;5;208morange"),
        ("a\x1b[2J\x1b[Hb", "ab"),
        ("\x1b]0;new title\x07text", "text"),
        ("\x1b]52;c;c3RvbGVu\x1b\\text", "text"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("\x1bPq#0\x1b\\text", "text"),
        ("\x1bcreset", "reset"),
        ("bell\x07", "bell␇"),
        ("nul\x00", "nul␀"),
        ("c1\x9b2J", "c1·2J"),
        ("\u202ereversed", "·reversed"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
    ],
)
def test_only_colours_survive(written: str, shown: str) -> None:
    assert harmless(written) == shown


@given(st.text())
def test_no_control_character_is_left_but_those_of_colours(text: str) -> None:
    rest = logs._SGR.sub("", harmless(text))
    assert not [
        letter for letter in rest if (ord(letter) < 0x20 and letter not in "\t\n") or 0x7F <= ord(letter) < 0xA0
    ]


def test_a_redrawn_line_shows_its_last_state() -> None:
    assert show_line("10%\r50%\r100%\r") == "100%"


def test_a_very_long_line_is_cut_and_says_so() -> None:
    shown = show_line("x" * 250_000)
    assert len(shown) < logs.LINE_CHARACTERS + 100
    assert shown.endswith("248,000 more characters")


def test_a_log_that_is_not_there_yet_says_so_and_appears(log: Path) -> None:
    tail = LogTail(1, log)
    assert tail.read().note == "no log yet"
    log.write_text("first\n")
    view = tail.read()
    assert (view.note, view.lines) == ("", ("first",))


def test_lines_are_appended_and_an_unfinished_one_goes_on(log: Path) -> None:
    log.write_bytes(b"one\ntw")
    tail = LogTail(1, log)
    assert tail.read().lines == ("one", "tw")
    with log.open("ab") as out:
        out.write(b"o\nthree")
    assert tail.read().lines == ("one", "two", "three")
    with log.open("ab") as out:
        out.write(b"\n")
    assert tail.read().lines == ("one", "two", "three")


def test_half_a_character_waits_for_its_other_half(log: Path) -> None:
    log.write_bytes(b"gr" + "ü".encode()[:1])
    tail = LogTail(1, log)
    assert tail.read().lines == ("gr\ufffd",)
    with log.open("ab") as out:
        out.write("ü".encode()[1:] + b"n\n")
    assert tail.read().lines == ("grün",)


def test_an_unchanged_log_is_the_same_view(log: Path) -> None:
    log.write_text("one\n")
    tail = LogTail(1, log)
    assert tail.read() is tail.read()


def test_a_truncated_log_begins_anew(log: Path) -> None:
    log.write_text("long text that goes away\n")
    tail = LogTail(1, log)
    before = tail.read()
    log.write_text("new\n")
    after = tail.read()
    assert after.lines == ("new",)
    assert after.generation > before.generation


def test_a_rotated_log_is_opened_by_its_name(log: Path) -> None:
    log.write_text("old\n")
    tail = LogTail(1, log)
    tail.read()
    log.rename(log.with_suffix(".1"))
    log.write_text("new\n")
    assert tail.read().lines == ("new",)


def test_only_the_end_of_a_huge_log_is_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with log.open("wb") as out:
        out.truncate(10 << 30)
        out.seek(0, os.SEEK_END)
        out.write(b"\nthe end\n")
    taken: list[int] = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, offset: taken.append(size) or pread(fd, size, offset))
    view = LogTail(1, log).read()
    assert view.lines == ("the end",)
    assert view.skipped > 9 << 30
    assert sum(taken) <= logs.READ_BYTES


def test_a_burst_larger_than_one_reading_goes_on_at_its_end(log: Path) -> None:
    log.write_text("start\n")
    tail = LogTail(1, log)
    tail.read()
    with log.open("ab") as out:
        out.writelines(b"line %d\n" % number for number in range(100_000))
    view = tail.read()
    assert view.lines[-1] == "line 99999"
    assert len(view.lines) <= logs.LINES_KEPT


def test_a_folder_in_place_of_a_log_is_an_error_in_words(tmp_path: Path) -> None:
    assert "directory" in LogTail(1, tmp_path).read().note.lower()


def test_a_log_that_will_never_come_is_not_announced(log: Path) -> None:
    assert LogTail(1, log, "there is no log any more").read().note == "there is no log any more"

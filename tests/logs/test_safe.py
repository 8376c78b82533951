"""Text made safe to show, whatever was written: only colours survive."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.logs.ansi import PLAIN, Pen, plain, runs
from jobwarden.backend.logs.sanitize import harmless, show_bytes, show_line

RED, END = "\x1b[31m", "\x1b[0m"
HOSTILE = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(["\x1b", "\x1b[", "\x1b]", "\x1bP", "\x9b", "\x07", "\x1b\\", "m", ";", "\r", "\t", "\n"]),
        st.integers(0, 300).map(lambda number: f"\x1b[{number}m"),
    ),
    max_size=30,
).map("".join)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain", "plain"),
        (f"{RED}red{END}", f"{RED}red{END}"),
        ("\x1b[38;5;208morange", "\x1b[38;5;208morange"),
        ("\x1b[38:5:208morange", "\x1b[38;5;208morange"),
        ("\x1b[1;8;31mbold but not hidden", "\x1b[1;31mbold but not hidden"),
        ("\x1b[8mhidden", "hidden"),
        ("\x1b[5mblink", "blink"),
        ("\x1b[38;5;999mno such colour", "no such colour"),
        ("\x1b[mreset", "\x1b[0mreset"),
        ("\x1b[" + "1;" * 100 + "mtoo long", "too long"),
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
        ("zero\u200bwidth", "zero·width"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
    ],
)
def test_only_colours_survive(written: str, shown: str) -> None:
    assert harmless(written) == shown


@given(HOSTILE)
def test_no_control_character_is_left_but_those_of_colours(text: str) -> None:
    rest = plain(show_line(text))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", rest)


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_are_shown(data: bytes) -> None:
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", plain(show_bytes(data)))


@given(HOSTILE)
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    once = show_line(text)
    assert show_line(once) == once


@pytest.mark.parametrize(
    ("sequence", "pen"),
    [
        ("31", Pen(fg=1)), ("91", Pen(fg=9)), ("44;1", Pen(bg=4, bold=True)), ("38;2;1;2;3", Pen(fg=(1, 2, 3))),
        ("38:2::1:2:3", Pen(fg=(1, 2, 3))), ("48;5;17", Pen(bg=17)), ("1;22", PLAIN), ("7;27;9", Pen(strike=True)),
        ("31;39", PLAIN), ("31;0", PLAIN), ("", PLAIN), ("38;5", PLAIN), ("1234", PLAIN),
        ("3;4;2", Pen(italic=True, underline=True, dim=True)),
    ],
)  # fmt: skip
def test_colours_are_read_strictly(sequence: str, pen: Pen) -> None:
    assert list(runs(f"\x1b[{sequence}mx")) == [("x", pen)]


def test_a_redrawn_line_shows_its_last_state() -> None:
    assert show_line("10%\r50%\r100%\r") == "100%"
    assert show_line("dos line\r\n") == "dos line"


def test_tabs_go_to_the_next_stop_and_colours_take_no_room() -> None:
    assert show_line("a\tb") == "a       b"
    assert show_line(f"{RED}a{END}\tb") == f"{RED}a{END}       b"

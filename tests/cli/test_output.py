"""Tables and JSON: aligned, cut only on a terminal, and harmless to it."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.cli.output import TextColumn, fit, print_json, print_pairs, print_table, printable, to_plain
from jobwarden.backend.domain.states import JobState


@given(st.text())
def test_nothing_printed_drives_a_terminal(text: str) -> None:
    assert printable(text).isprintable()


def test_printable_keeps_what_is_readable() -> None:
    assert printable("ünï 漢字 'x'") == "ünï 漢字 'x'"
    assert printable("a\x1b[2J\nb\u202e") == "a\\x1b[2J\\nb\\u202e"
    assert printable(None) == ""


def test_a_table_is_aligned_also_with_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    columns = (
        TextColumn("ID", lambda r: r[0], right=True),
        TextColumn("NAME", lambda r: r[1]),
        TextColumn("END", lambda r: "x"),
    )
    print_table(columns, [(1, "漢字"), (200, "plain")])
    assert capsys.readouterr().out.splitlines() == [" ID  NAME   END", "  1  漢字   x", "200  plain  x"]


def test_lines_are_cut_at_the_width_of_a_terminal() -> None:
    assert fit("abcdef", 4) == "abc…"
    assert fit("漢字漢字", 5) == "漢字…"
    assert fit("abc", 3) == fit("abc", None) == "abc"


def test_pairs_leave_out_what_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    print_pairs([("a", 1), ("long", None), ("bc", "x\ny")])
    assert capsys.readouterr().out == "a   1\nbc  x\\ny\n"


@pytest.mark.parametrize("rows", [[], [{"a": 1}], [{"a": 1}, {"b": "é\x1b\u009b"}]])
def test_json_is_one_array_of_plain_ascii(rows: list[dict[str, object]], capsys: pytest.CaptureFixture[str]) -> None:
    print_json(iter(rows))
    out = capsys.readouterr().out
    assert json.loads(out) == rows
    assert out.replace("\n", "").isprintable()
    assert out.isascii()


def test_times_are_iso_utc_and_words_are_words() -> None:
    moment = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    assert to_plain({"at": moment, "s": JobState.FAILED, "l": (1, None)}) == {
        "at": "2026-05-04T03:02:01Z",
        "s": "FAILED",
        "l": [1, None],
    }

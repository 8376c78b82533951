"""Memory and time: what is read, what is refused, what is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.domain.options import UNLIMITED, parse_options
from jobwarden.backend.domain.units import (
    format_age,
    format_bytes,
    format_duration,
    format_memory,
    parse_duration,
    parse_memory,
    shorten,
)
from jobwarden.backend.errors import InputError


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("2G", 2048),
        ("512", 512),
        ("512M", 512),
        ("1.5g", 1536),
        ("2GiB", 2048),
        ("1T", 1024**2),
        ("1500K", 2),
        ("512K", 1),
        ("1B", 1),
        ("512B", 1),
        ("1073741824b", 1024),
        ("1024 b", 1),
        ("1048577b", 2),
        ("512MB", 512),
        ("2 gib", 2048),
        ("0", 0),
    ],
)
def test_memory_is_read_as_mib(text: str, mib: int) -> None:
    assert parse_memory(text) == mib


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("0.5h", 1800),
        ("10:00", 600),
        ("1:30:00", 5400),
        ("1-02:03", 93_780),
        ("1-02:03:04", 93_784),
        ("1-0", 86_400),
        ("1-12", 129_600),
        ("1-12:30", 131_400),
        ("00:60:00", 3600),
        ("0:90", 90),
    ],
)
def test_time_is_read_as_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "G", "-1G", "2X", "1e9", "٣G", "2 G G", "1" * 50, "nan", "inf"])
def test_not_memory(text: str) -> None:
    with pytest.raises(InputError, match="memory"):
        parse_memory(text)


@pytest.mark.parametrize(
    "text", ["", "m", "-5", "1h-", "1-", "-1-0", "1:2:3:4", "1,5h", "10 parsecs", "٣m", "1::2", "0x10"]
)
def test_not_a_time(text: str) -> None:
    with pytest.raises(InputError, match="length of time"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("1Gi", "1G"), ("2Gi", "2G"), ("2,5G", "2.5G"), ("1gig", "1G"), ("4Mo", "4M"), ("1GBs", "1G")],
)
def test_near_misses_of_memory_name_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"did you mean {meant}\\?"):
        parse_memory(text)


def test_a_bare_number_has_its_unit_in_the_error() -> None:
    with pytest.raises(InputError, match="a bare number is seconds"):
        parse_duration("90 minutes")


@pytest.mark.parametrize("word", ["unlimited", "UNLIMITED", "infinite", " Infinite "])
def test_no_limit_has_slurms_words(word: str) -> None:
    assert parse_options([("time", word)], {}).time_limit == UNLIMITED


@pytest.mark.parametrize("none", ["0", "0G", "0.0M"])
def test_no_memory_is_refused_with_what_to_write(none: str) -> None:
    with pytest.raises(InputError, match=r"--memory: .* is no memory at all: leave the option out"):
        parse_options([("memory", none)], {})


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_memory, parse_duration):
        try:
            assert parse(text) >= 0
        except InputError as exc:
            assert str(exc).isprintable()


@given(st.integers(0, 10**9))
def test_a_duration_reads_back_as_it_is_shown(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(1, 2**30))
def test_memory_reads_back_near_what_is_shown(mib: int) -> None:
    assert parse_memory(format_memory(mib)) == pytest.approx(mib, rel=0.06)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(5, "5s"), (300, "5m"), (11_520, "3h12m"), (792_000, "9d4h"), (86_400, "1d")]
)
def test_age_for_a_narrow_column(seconds: int, shown: str) -> None:
    assert format_age(seconds) == shown


def test_unlimited_has_a_word() -> None:
    assert format_duration(None) == "unlimited"


@given(st.text())
def test_a_quoted_piece_of_input_is_short_and_printable(text: str) -> None:
    assert shorten(text).isprintable()
    assert len(shorten(text)) <= 61


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (3_565_158, "3.4 MiB"), (12 << 30, "12 GiB"),
        ((1 << 20) - 1, "1.0 MiB"), (5000 << 40, "5000 TiB"),
    ],
)  # fmt: skip
def test_bytes_for_people(count: int, shown: str) -> None:
    assert format_bytes(count) == shown

"""Scripts that could never run are refused at submission, each with its own words."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.domain.script import MAX_SCRIPT_BYTES, check_script, read_script
from jobwarden.backend.errors import InputError

BAD = {
    "empty": (b"", "empty script"),
    "blank": (b" \n\t\n", "empty script"),
    "nul": (b"\x7fELF\0\0", "NUL"),
    "crlf": (b"#!/bin/sh\r\necho\r\n", "CRLF"),
    "bom": (b"\xef\xbb\xbf#!/bin/sh\n", "byte order mark"),
    "latin1": (b"#!/bin/sh\necho ok\necho \xe9\n", "line 3 is not UTF-8"),
    "huge": (b"#" * (MAX_SCRIPT_BYTES + 1), "larger than"),
}


@pytest.mark.parametrize("case", BAD)
def test_refused(tmp_path: Path, case: str) -> None:
    data, words = BAD[case]
    script = tmp_path / f"{case}.sh"
    script.write_bytes(data)
    with pytest.raises(InputError, match=words) as caught:
        read_script(str(script))
    assert str(script) in str(caught.value)


def test_text_is_kept_exactly(tmp_path: Path) -> None:
    text = "#!/bin/sh\necho 'ünïcode' \t\n\n# no newline at the end"
    (tmp_path / "a.sh").write_text(text)
    assert read_script(str(tmp_path / "a.sh")) == text


def test_crlf_without_an_interpreter_line_is_the_authors_business() -> None:
    assert check_script(b"echo one\r\n") == "echo one\r\n"


def test_missing_directory_and_odd_names(tmp_path: Path) -> None:
    for path, words in [
        (str(tmp_path / "none.sh"), "no such file"),
        (str(tmp_path), "is a directory"),
        ("", "not a file name"),
        ("a\0b", "not a file name"),
        ("\udcff", "cannot be read|no such file"),
        ("x" * 300, "cannot be read"),
    ]:
        with pytest.raises(InputError, match=words):
            read_script(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable(tmp_path: Path) -> None:
    script = tmp_path / "secret.sh"
    script.write_text("echo")
    script.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        read_script(str(script))


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(InputError, match="larger than"):
        read_script("/dev/zero")


@given(st.binary())
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        assert check_script(data).encode() == data
    except InputError as exc:
        assert "\n" not in str(exc)

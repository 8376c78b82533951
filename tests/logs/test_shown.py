"""What is shown of a line is what is searched, filtered, marked, copied and saved: whatever was written there."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobwarden.backend.logs import search_process
from jobwarden.backend.logs.ansi import plain
from jobwarden.backend.logs.line_breaks import PIECE
from jobwarden.backend.logs.requests import Copy, Find, Only, Save
from jobwarden.backend.logs.rows import LogRow, rows_after
from jobwarden.backend.logs.sanitize import show_line, text_of
from jobwarden.backend.logs.search import Pattern
from tests.logs.test_reader import Open, open_log

__all__ = ["open_log"]


def link(address: str, text: str, end: str = "\x1b\\") -> str:
    return f"\x1b]8;;{address}{end}{text}\x1b]8;;{end}"


PARTS = (
    "name", "word", " ", "\t", "é", "日本", "·", "ab", "NAME", "\r", "\b", "\n", "\r\n", "\x1b[31m", "\x1b[0m",
    "\x1b[K", "\x1b[2K", "\x1b[3D", "\x1b[1G", "\x1b[2J", "\x1b[1A", "\x00", "\x7f", "\u200b", "\ufffd", "e\u0301",
    "\u0301" * 6,
    link("https://example.org/name", "li"), link("http://x", "nk", "\x07"), "\x1bPname\x1b\\", "\x1b]0;name", "\x1b",
)  # fmt: skip
NEEDLES = ("name", "word", "ab", " ", "a", "·", "日", "é", "link", "\u0301", "\ufffd", "␀", "d n", "org")
EXPRESSIONS = ("^name$", r"\bname\b", "n.*e$", r"^\s", "日.", "^$", "l.nk", "[·␀]")


def hits(path: Path, pattern: search_process.Plain | search_process.Regex, *, up: bool = False) -> list[int]:
    """Where the program of the search finds something, nearest last when it goes up."""
    said: list[dict[str, list[int]]] = []
    with pytest.MonkeyPatch.context() as patch, path.open("rb") as file:
        patch.setattr(search_process, "_alarm", lambda: None)
        patch.setattr(search_process, "_say", said.append)
        size = path.stat().st_size
        start, stop = (size, 0) if up else (0, size)
        request = {"do": "up" if up else "down", "start": start, "stop": stop, "want": 10_000}
        search_process.Search(file.fileno(), [pattern]).run(request)
    return [hit for reply in said for hit in reply["hits"]]


def all_rows(path: Path) -> list[LogRow]:
    rows: list[LogRow] = []
    with path.open("rb") as file:
        while not rows or rows[-1].end < path.stat().st_size:
            rows += rows_after(file.fileno(), rows[-1].end if rows else 0, path.stat().st_size, 500)
    return rows


def row_of(rows: list[LogRow], hit: int) -> int:
    return next(row.start for row in rows if row.start <= hit < row.end)


@pytest.mark.parametrize("fold", [False, True])
@settings(max_examples=80, deadline=None)
@given(
    parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=25).filter(lambda parts: "".join(parts) != ""),
    needle=st.sampled_from(NEEDLES),
    expression=st.sampled_from(EXPRESSIONS),
)
def test_a_search_finds_exactly_the_rows_that_show_it(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], needle: str, expression: str, fold: bool
) -> None:
    path = tmp_path_factory.mktemp("log") / "output.log"
    path.write_bytes("".join(parts).encode())
    rows = all_rows(path)
    for pattern in (search_process.Plain(needle, fold), search_process.Regex(expression, fold)):
        wanted = [row.start for row in rows if pattern.matches(plain(row.text))]
        assert [row_of(rows, hit) for hit in hits(path, pattern)] == wanted
        assert [row_of(rows, hit) for hit in hits(path, pattern, up=True)] == wanted[::-1]
        if isinstance(pattern, search_process.Plain):
            assert all(pattern.marks(plain(row.text)) for row in rows if row.start in wanted)


@pytest.mark.parametrize("colour", [b"", b"\x1b[1m"], ids=["plain", "coloured"])
def test_a_search_sees_the_rows_of_a_long_bar_as_they_are_shown(tmp_path: Path, colour: bytes) -> None:
    """The line has many rows, and is longer than several blocks of the search."""
    path = tmp_path / "output.log"
    path.write_bytes(b"begin\n" + b"".join(b"\r%sstate %08d" % (colour, n) for n in range(100_000)) + b"\nend\n")
    rows = all_rows(path)
    assert max(row.end - row.start for row in rows) <= 2 * PIECE
    for word in ("state 00000001", "state 000", "state 00099999", "end"):
        wanted = [row.start for row in rows if word in plain(row.text)]
        found = [row_of(rows, hit) for hit in hits(path, search_process.Plain(word, False))]
        assert list(dict.fromkeys(found)) == wanted, word


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """Hyperlinks with either end, a word split by one, a name that is all of its line, a bar, a corrected word."""
    path = tmp_path / "output.log"
    with path.open("w") as out:
        for number in range(1, 201):
            end = "\x1b\\" if number % 2 else "\x07"
            out.write(f"{number:03d} {link(f'https://example.org/page{number}', f'link {number}', end)} end\n")
        out.write(f"{link('https://example.org/only', 'name')}\nwo{link('http://x', 'rdsplit')} here\n")
        out.write("wrong\rright\nmistake\b\b\b\bter\nwo\x1b[31mrd\x1b[0mcolour\n")
    return path


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (Pattern("^name$", regex=True), "name"),
        (Pattern("wordsplit"), "wordsplit here"),
        (Pattern(r"\bwordcolour\b", regex=True), "wordcolour"),
        (Pattern("77 end"), "177 link 177 end"),
        (Pattern("right"), "right"),
        (Pattern("mistere"), "mistere"),
        (Pattern("RIGHT", fold=True), "right"),
        (Pattern("example.org"), None),
        (Pattern("wrong"), None),
        (Pattern("mistake"), None),
        (Pattern("example|page", regex=True), None),
    ],
)
def test_search_and_filter_see_what_is_shown(links: Path, open_log: Open, pattern: Pattern, line: str | None) -> None:
    viewer = open_log(links)
    found = viewer.ended(Find(pattern, "up", viewer.view.size))
    assert (found.text if line is None else plain(viewer.line_at(found.goto))) == (line or "no match above")
    view = viewer.ask(Only(pattern, None))
    assert (line in [plain(text) for text in view.lines]) if line else not view.lines


def test_copying_and_saving_under_a_filter_give_what_is_shown(links: Path, open_log: Open, tmp_path: Path) -> None:
    viewer = open_log(links)
    viewer.ask(Only(Pattern("7 end"), None))
    shown = [f"{number:03d} link {number} end" for number in range(7, 201, 10)]
    assert viewer.ended(Copy(100)).clip == "".join(f"{line}\n" for line in shown)
    viewer.ended(Save(str(tmp_path / "saved")))
    assert (tmp_path / "saved").read_text().splitlines() == shown


def _combinations() -> Iterator[str]:
    return map(
        "".join, itertools.product(("a", "日", "é", "\t", "\b", "\r", "\x1b[K", "\x1b[2D", "\x1b[31m"), repeat=4)
    )


def test_what_is_shown_is_text_and_stays_as_it_is() -> None:
    for line in _combinations():
        shown = show_line(line)
        assert show_line(shown) == shown
        assert not re.search(r"[\x00-\x1a\x7f-\x9f]", plain(shown))
        assert text_of(line.encode()) == plain(shown)


def test_a_terminal_is_obeyed_within_its_line() -> None:
    for written, shown in [
        ("100%\r50%", "50%%"),
        ("50%\r\x1b[K9%", "9%"),
        ("日本\rab", "ab本"),
        ("日本\rabc", "abc "),
        ("ab\tc\rZ", "Zb      c"),
        ("abcdef\x1b[3D\x1b[Pz", "abczf"),
        ("x\x1b[3Cy", "x   y"),
        ("abc\x1b[2G\x1b[2Xz", "az "),
        ("bold\b\b\b\bbold", "bold"),
        ("abc\x1b[1G\x1b[2@x", "x abc"),
        ("abc\x1b[1K", "    "),
        ("a\x1b[9999Cb", "a" + " " * 511 + "b"),
        ("é\bo", "o"),
    ]:
        assert plain(show_line(written)) == shown, written

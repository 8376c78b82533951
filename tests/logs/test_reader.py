"""One log read for one viewer: the end first, growth, rotation, going anywhere, searching, filtering, saving."""

import os
import select
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobwarden.backend.logs import loaded_rows, request_handler, search_process
from jobwarden.backend.logs.reader import LogReader
from jobwarden.backend.logs.requests import (
    Cancel,
    Copy,
    Find,
    Follow,
    Go,
    Near,
    Number,
    Only,
    Request,
    Save,
    Unmark,
)  # fmt: skip
from jobwarden.backend.logs.search import Pattern
from jobwarden.backend.logs.view import LogView, RequestOutcome

LINES = 60_000


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "output.log"


@pytest.fixture
def big(log: Path) -> Path:
    """Some MiB of numbered lines, every thousandth one an error, one with a colour in the midst of the word."""
    with log.open("wb") as out:
        for number in range(1, LINES + 1):
            what = b"ERROR code 7" if number % 1000 == 0 else b"all is well, nothing to see here but a longer line"
            out.write(b"line %d %s\n" % (number, what))
    return log


class Viewer:
    """Drives a reader as the thread does."""

    def __init__(self, path: Path, missing: str = "no log yet") -> None:
        self.reader = LogReader(1, path, missing)
        self.view = self.reader.step()

    def ask(self, request: Request, until: Callable[[LogView], object] | None = None) -> LogView:
        """Serve a request and go on until it is so; without a condition, until nothing is under way."""
        self.reader.handle(request)
        return self.wait(until or (lambda view: not view.task))

    def wait(self, until: Callable[[LogView], object]) -> LogView:
        deadline = time.monotonic() + 60
        while True:
            self.view = self.reader.step()
            if until(self.view):
                return self.view
            assert time.monotonic() < deadline, f"waited in vain: {self.view.task!r} {self.view.outcome}"
            select.select(self.reader.files(), [], [], 0 if self.reader.busy else 0.01)

    def ended(self, request: Request) -> RequestOutcome:
        """Serve a request and return what came of it."""
        before = self.view.outcome.serial if self.view.outcome else 0
        outcome = self.ask(request, lambda view: view.outcome and view.outcome.serial > before).outcome
        assert outcome is not None
        return outcome

    def line_at(self, offset: int | None) -> str:
        """The text of the row at an offset."""
        return next(row.text for row in self.view.rows if row.start == offset)


@pytest.fixture
def open_log() -> Iterator[Callable[..., Viewer]]:
    viewers: list[Viewer] = []

    def make(path: Path, missing: str = "no log yet") -> Viewer:
        viewers.append(Viewer(path, missing))
        return viewers[-1]

    yield make
    for viewer in viewers:
        viewer.reader.close()


Open = Callable[..., Viewer]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as out:
        out.write(data)


# --- the end, and what comes


def test_a_log_that_is_not_there_yet_says_so_and_appears(log: Path, open_log: Open) -> None:
    viewer = open_log(log)
    assert viewer.view.note == "no log yet"
    log.write_text("first\n")
    assert (viewer.reader.step().note, viewer.reader.step().lines) == ("", ("first",))


def test_a_log_that_will_never_come_is_not_announced(log: Path, open_log: Open) -> None:
    assert open_log(log, "there is no log any more").view.note == "there is no log any more"


def test_lines_are_appended_and_an_unfinished_one_goes_on(log: Path, open_log: Open) -> None:
    log.write_bytes(b"one\ntw")
    viewer = open_log(log)
    assert viewer.view.lines == ("one", "tw")
    append(log, b"o\nthree")
    assert viewer.reader.step().lines == ("one", "two", "three")
    append(log, b"\n")
    view = viewer.reader.step()
    assert view.lines == ("one", "two", "three")
    assert view.arrived == 2


def test_half_a_character_waits_for_its_other_half(log: Path, open_log: Open) -> None:
    log.write_bytes(b"gr" + "ü".encode()[:1])
    viewer = open_log(log)
    assert viewer.view.lines == ("gr\ufffd",)
    append(log, "ü".encode()[1:] + b"n\n")
    assert viewer.reader.step().lines == ("grün",)


def test_an_unchanged_log_is_the_same_view(log: Path, open_log: Open) -> None:
    log.write_text("one\n")
    viewer = open_log(log)
    assert viewer.reader.step() is viewer.view


def test_a_truncated_log_begins_anew(log: Path, open_log: Open) -> None:
    log.write_text("long text that goes away\n")
    viewer = open_log(log)
    log.write_text("new\n")
    after = viewer.reader.step()
    assert after.lines == ("new",)
    assert after.generation > viewer.view.generation
    assert after.outcome is not None
    assert after.outcome.text == "the log was cut"


def test_a_log_cut_and_grown_again_between_two_looks_is_noticed(log: Path, open_log: Open) -> None:
    log.write_text("old text\n")
    viewer = open_log(log)
    log.write_text("other text, longer than the old\n")
    assert viewer.reader.step().lines == ("other text, longer than the old",)


def test_a_rotated_log_is_opened_by_its_name(log: Path, open_log: Open) -> None:
    log.write_text("old\n")
    viewer = open_log(log)
    log.rename(log.with_suffix(".1"))
    assert viewer.reader.step().lines == ("old",)
    log.write_text("new\n")
    assert viewer.reader.step().lines == ("new",)


def test_a_deleted_log_stays_readable_and_says_so(log: Path, open_log: Open) -> None:
    log.write_text("old\n")
    viewer = open_log(log)
    log.unlink()
    view = viewer.reader.step()
    assert view.lines == ("old",)
    assert "deleted" in view.task


def test_only_the_end_of_a_huge_log_is_read(log: Path, open_log: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with log.open("wb") as out:
        out.truncate(10 << 30)
        out.seek(0, os.SEEK_END)
        out.write(b"\nthe end\n")
    taken: list[int] = []
    pread = os.pread

    def noting(fd: int, size: int, offset: int) -> bytes:
        taken.append(size)
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", noting)
    view = open_log(log).view
    assert view.lines[-1] == "the end"
    assert view.skipped > 9 << 30
    assert sum(taken) <= 2 * loaded_rows.READ_BYTES


def test_a_burst_larger_than_one_reading_goes_on_at_its_end(log: Path, open_log: Open) -> None:
    log.write_text("start\n")
    viewer = open_log(log)
    append(log, b"".join(b"line %d\n" % number for number in range(100_000)))
    view = viewer.reader.step()
    assert view.lines[-1] == "line 99999"
    assert len(view.lines) <= 2000
    assert view.arrived == 100_000


def test_a_folder_in_place_of_a_log_is_an_error_in_words(tmp_path: Path, open_log: Open) -> None:
    assert "directory" in open_log(tmp_path).view.note


def test_a_line_of_megabytes_is_shown_in_pieces(log: Path, open_log: Open) -> None:
    log.write_bytes(b"x" * 3_000_000 + b"\nshort\n")
    view = open_log(log).view
    assert view.lines[-1] == "short"
    assert not view.rows[-2].begins
    assert max(map(len, view.lines)) < 40_000


def test_what_arrives_is_timed_and_what_was_there_is_not(log: Path, open_log: Open) -> None:
    log.write_text("old\n")
    viewer = open_log(log)
    before = time.time()
    append(log, b"new\n")
    rows = viewer.reader.step().rows
    assert rows[0].seen is None
    assert rows[1].seen is not None
    assert before - 0.01 <= rows[1].seen <= time.time()


# --- going somewhere


@pytest.mark.parametrize(
    ("where", "line"), [("1", 1), ("2", 2), ("31,337", 31337), (str(LINES), LINES), ("0%", 1), ("line 5", 5)]
)
def test_going_to_a_line_and_a_percentage(big: Path, open_log: Open, where: str, line: int) -> None:
    viewer = open_log(big)
    outcome = viewer.ended(Go(where))
    assert viewer.line_at(outcome.goto).startswith(f"line {line} ")


def test_half_way_is_in_the_middle(big: Path, open_log: Open) -> None:
    viewer = open_log(big)
    outcome = viewer.ended(Go("50%"))
    assert outcome.goto == pytest.approx(big.stat().st_size / 2, abs=100)
    assert viewer.line_at(outcome.goto)


def test_beyond_the_last_line_is_the_last_and_says_so(big: Path, open_log: Open) -> None:
    viewer = open_log(big)
    outcome = viewer.ended(Go("99999999"))
    assert outcome.text == f"the log has only {LINES:,} lines: this is the last"
    assert viewer.line_at(outcome.goto).startswith(f"line {LINES} ")


def test_rows_have_numbers_when_they_are_wanted(big: Path, open_log: Open) -> None:
    viewer = open_log(big)
    assert viewer.view.rows[-1].number is None
    view = viewer.ask(Number(True), lambda view: view.total)
    assert view.total == LINES
    assert [row.number for row in view.rows] == [int(row.text.split()[1]) for row in view.rows]


@pytest.mark.parametrize("where", ["nonsense", "", "101%", "0", "25:00"])
def test_nonsense_is_explained(big: Path, open_log: Open, where: str) -> None:
    outcome = open_log(big).ended(Go(where))
    assert outcome.error
    assert "no place in a log" in outcome.text


STAMPS = {
    "iso": "%Y-%m-%dT%H:%M:%S",
    "comma": "[%Y-%m-%d %H:%M:%S,123]",
    "syslog": "%b %d %H:%M:%S host",
    "clock": "%H:%M:%S",
    "epoch": "%s.5",
    "level first": "INFO %Y/%m/%d %H:%M:%S",
}


@pytest.mark.parametrize("style", STAMPS.values(), ids=STAMPS.keys())
def test_going_to_a_time_by_the_timestamps_of_the_log(log: Path, open_log: Open, style: str) -> None:
    end = datetime.now().replace(microsecond=0)
    with log.open("w") as out:
        for second in range(20_000):
            stamp = (end - timedelta(seconds=20_000 - second)).strftime(style)
            out.write(f"{stamp} tick {second}\n" + "    without a time\n" * (second % 3))
    viewer = open_log(log)
    outcome = viewer.ended(Go((end - timedelta(seconds=20_000 - 7777)).strftime("%Y-%m-%d %H:%M:%S")))
    assert viewer.line_at(outcome.goto).endswith("tick 7777")
    ago = viewer.ended(Go("-2h"))
    assert 20_000 - 7200 - 60 < int(viewer.line_at(ago.goto).rsplit(" ", 1)[1]) <= 20_000 - 7200 + 60


def test_without_timestamps_arrivals_count_and_nothing_is_guessed(log: Path, open_log: Open) -> None:
    log.write_text("old\n" * 100)
    viewer = open_log(log)
    refused = viewer.ended(Go("-1h"))
    assert refused.error
    assert "arrivals are known only since" in refused.text
    append(log, b"new\n")
    viewer.wait(lambda view: view.lines[-1] == "new")
    assert viewer.line_at(viewer.ended(Go("-0s")).goto) == "new"


def test_paging_through_the_whole_file_shows_every_line_once_in_bounded_memory(big: Path, open_log: Open) -> None:
    viewer = open_log(big)
    offset, shown = viewer.ended(Go("1")).goto, 0
    assert offset == 0
    while True:
        rows = [row for row in viewer.view.rows if row.start >= offset][:200]
        assert [int(row.text.split()[1]) for row in rows] == list(range(shown + 1, shown + len(rows) + 1))
        shown += len(rows)
        if rows[-1].end == viewer.view.size:
            break
        offset = rows[-1].end
        viewer.ask(Near(offset))
        assert len(viewer.view.rows) <= 2000
    assert shown == LINES


# --- searching


def test_the_nearest_match_above_then_on_in_both_directions(big: Path, open_log: Open) -> None:
    viewer, pattern = open_log(big), Pattern("ERROR")
    found = viewer.ended(Find(pattern, "up", big.stat().st_size))
    assert viewer.line_at(found.goto) == f"line {LINES} ERROR code 7"
    above = viewer.ended(Find(pattern, "up", found.goto or 0))
    assert viewer.line_at(above.goto) == f"line {LINES - 1000} ERROR code 7"
    end = next(row.end for row in viewer.view.rows if row.start == above.goto)
    assert viewer.ended(Find(pattern, "down", end)).goto == found.goto
    row = next(row for row in viewer.view.rows if row.start == found.goto)
    assert row.marks == ((11, 16),)


def test_from_the_first_line_to_the_last_and_no_further(big: Path, open_log: Open) -> None:
    viewer, pattern = open_log(big), Pattern("line 60000 ")
    found = viewer.ended(Find(pattern, "down", 0))
    assert viewer.line_at(found.goto).startswith("line 60000 ")
    none = viewer.ended(Find(pattern, "down", big.stat().st_size))
    assert (none.text, none.error) == ("no match below", True)
    turned = viewer.ended(Find(pattern, "down", big.stat().st_size, turn=True))
    assert turned.goto == found.goto


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (Pattern("error CODE", fold=True), 60000),
        (Pattern(r"code \d$", regex=True), 60000),
        (Pattern(r"^line 4\d000 e", regex=True, fold=True), 49000),
        (Pattern("line 12345 "), 12345),
        (Pattern(r"line (123|777)\b", regex=True), 777),
    ],
)
def test_plain_folded_and_regular(big: Path, open_log: Open, pattern: Pattern, line: int) -> None:
    viewer = open_log(big)
    found = viewer.ended(Find(pattern, "up", big.stat().st_size))
    assert viewer.line_at(found.goto).startswith(f"line {line} ")
    viewer.wait(lambda view: all(row.marks is not None for row in view.rows))
    assert next(row for row in viewer.view.rows if row.start == found.goto).marks


def test_a_colour_within_the_text_does_not_hide_it(log: Path, open_log: Open) -> None:
    log.write_bytes(b"one\n\x1b[31mERR\x1b[1mOR\x1b[0m: two\nthree\n")
    viewer = open_log(log)
    for pattern in (Pattern("ERROR: t"), Pattern("error: T", fold=True), Pattern("^ERROR", regex=True)):
        found = viewer.ended(Find(pattern, "up", viewer.view.size))
        assert found.goto == 4


@pytest.mark.parametrize("block", [64, 100, 4096])
def test_blocks_of_any_size_find_every_match_once(
    log: Path, open_log: Open, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program of the search works on its own here, to set its blocks."""
    data = b"".join(
        b"%d %s\n" % (n, b"hit" if n % 7 == 0 else b"\x1b[1mno\x1b[0m" if n % 5 == 0 else b"-") for n in range(400)
    )
    log.write_bytes(data)
    wanted = [data.index(b"\n%d hit" % n) + 1 if n else 0 for n in range(0, 400, 7)]
    monkeypatch.setattr(search_process, "SMALLEST", block)
    monkeypatch.setattr(search_process, "LARGEST", block)
    monkeypatch.setattr(search_process, "OVERLAP", 8)
    monkeypatch.setattr(search_process, "_alarm", lambda: None)
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(search_process, "_say", said.append)
    with log.open("rb") as file:
        for pattern in (
            search_process.Plain("hit", False),
            search_process.Plain("HIT", True),
            search_process.Regex("^[0-9]+ hit$", False),
        ):
            for way, start, stop in (("down", 0, len(data)), ("up", len(data), 0)):
                said.clear()
                search_process.Search(file.fileno(), [pattern]).run(
                    {"do": way, "start": start, "stop": stop, "want": 999}
                )
                hits = [hit for reply in said for hit in reply["hits"]]
                rows = [data.rfind(b"\n", 0, hit) + 1 for hit in hits]
                assert (rows if way == "down" else rows[::-1]) == wanted


def test_a_wrong_expression_is_explained(big: Path, open_log: Open) -> None:
    outcome = open_log(big).ended(Find(Pattern("(", regex=True), "up", 10))
    assert outcome.error
    assert "not a regular expression" in outcome.text


def test_an_expression_without_end_ends_and_the_log_goes_on(log: Path, open_log: Open) -> None:
    log.write_text("a" * 60 + "b\n")
    viewer = open_log(log)
    outcome = viewer.ended(Find(Pattern("(a+)+$", regex=True), "up", viewer.view.size))
    assert outcome.error
    assert "takes too long" in outcome.text
    append(log, b"more\n")
    assert viewer.wait(lambda view: view.lines[-1] == "more")


def test_a_search_can_be_given_up(log: Path, open_log: Open) -> None:
    with log.open("wb") as out:
        out.truncate(50 << 30)
    viewer = open_log(log)
    viewer.ask(Find(Pattern("x"), "down", 0), lambda view: "searching" in view.task)
    outcome = viewer.ended(Cancel())
    assert outcome.text == "cancelled"
    assert not viewer.wait(lambda view: not view.task).task


def test_marks_can_be_forgotten(big: Path, open_log: Open) -> None:
    viewer = open_log(big)
    viewer.ended(Find(Pattern("ERROR"), "up", big.stat().st_size))
    viewer.ask(Unmark())
    assert not any(row.marks for row in viewer.view.rows)


# --- a filter


def test_only_matching_lines_from_the_end_to_the_beginning(big: Path, open_log: Open) -> None:
    viewer = open_log(big)
    view = viewer.ask(Only(Pattern("ERROR"), None))
    assert [int(row.text.split()[1]) for row in view.rows] == list(range(1000, LINES + 1, 1000))
    assert (view.skipped, view.end) == (0, view.size)


def test_new_lines_pass_the_filter_only_when_they_match_and_are_whole(big: Path, open_log: Open) -> None:
    viewer = open_log(big)
    viewer.ask(Only(Pattern("ERROR"), None))
    append(big, b"fine\nan ERROR of")
    viewer.wait(lambda view: view.size == big.stat().st_size)
    assert viewer.ask(Follow(True)).lines[-1] == f"line {LINES} ERROR code 7"
    append(big, b" today\n")
    assert viewer.wait(lambda view: view.lines[-1] == "an ERROR of today")


def test_a_filter_begins_where_the_viewer_is_and_ends_there(big: Path, open_log: Open) -> None:
    viewer = open_log(big)
    middle = viewer.ended(Go("30500")).goto
    view = viewer.ask(Only(Pattern("ERROR"), middle))
    assert len(view.rows) == LINES // 1000
    view = viewer.ask(Only(None, middle))
    assert "line 30501 " in "\n".join(view.lines)
    assert len(view.rows) > 300


def test_a_search_within_a_filter_finds_only_what_is_shown(big: Path, open_log: Open) -> None:
    viewer = open_log(big)
    viewer.ask(Only(Pattern("ERROR"), None))
    found = viewer.ended(Find(Pattern("line 5"), "up", big.stat().st_size))
    assert viewer.line_at(found.goto) == "line 59000 ERROR code 7"


def test_a_filter_of_many_matches_holds_a_part(big: Path, open_log: Open) -> None:
    viewer = open_log(big)
    view = viewer.ask(Only(Pattern("all is well"), None))
    assert loaded_rows.MARGIN <= len(view.rows) <= 2000
    first = view.rows[0].start
    viewer.ask(Near(first))
    assert viewer.wait(lambda view: view.rows[0].start < first and not view.task)


# --- copying and saving


def test_the_last_lines_are_given_without_colours(log: Path, open_log: Open) -> None:
    log.write_text("one\n\x1b[31mtwo\x1b[0m\nthree\n")
    outcome = open_log(log).ended(Copy(2))
    assert (outcome.clip, outcome.text) == ("two\nthree\n", "2 lines")


def test_a_clipboard_has_bounds_and_says_so(big: Path, open_log: Open) -> None:
    outcome = open_log(big).ended(Copy(LINES))
    assert outcome.clip is not None
    assert len(outcome.clip) <= request_handler.MOST_CLIP + 20_000
    assert outcome.text.endswith("(a clipboard takes no more)")


def test_a_log_is_saved_to_the_byte(log: Path, open_log: Open, tmp_path: Path) -> None:
    log.write_bytes(os.urandom(3_000_000))
    outcome = open_log(log).ended(Save(str(tmp_path / "copy")))
    assert outcome.text == f"3,000,000 bytes saved in {tmp_path}/copy"
    assert (tmp_path / "copy").read_bytes() == log.read_bytes()


def test_with_a_filter_the_matching_lines_are_saved(big: Path, open_log: Open, tmp_path: Path) -> None:
    append(big, b"ERROR " + b"x" * 100_000 + b"\n")
    viewer = open_log(big)
    viewer.ask(Only(Pattern("ERROR"), None))
    viewer.ended(Save(str(tmp_path / "errors")))
    wanted = b"".join(line for line in big.read_bytes().splitlines(keepends=True) if b"ERROR" in line)
    assert (tmp_path / "errors").read_bytes() == wanted


def test_nothing_is_overwritten_and_nothing_half_is_left(big: Path, open_log: Open, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("precious")
    viewer = open_log(big)
    assert "nothing is overwritten" in viewer.ended(Save(str(tmp_path / "there"))).text
    assert "cannot be written" in viewer.ended(Save(str(tmp_path / "no" / "folder"))).text
    viewer.reader.handle(Save(str(tmp_path / "half")))
    viewer.reader.handle(Cancel())
    assert (tmp_path / "there").read_text() == "precious"
    assert not (tmp_path / "half").exists()

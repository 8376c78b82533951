"""The log on the whole screen, over real files: every key, what is said, and that nothing hostile gets through."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from jobwarden.backend.domain.states import JobState
from jobwarden.backend.logs import request_handler, search_jobs
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.tui.screens.log import LogScreen
from jobwarden.tui.widgets.log.body import LogBody
from jobwarden.tui.widgets.log.panel import LogPanel
from jobwarden.tui.widgets.log.prompt import LogPrompt
from tests.tui.fakes import Screen, job

LINES = 5000


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Numbered lines, every hundredth one an error, and a long one at the end."""
    path = tmp_path / "output.log"
    with path.open("w") as out:
        for number in range(1, LINES):
            out.write(f"line {number} {'ERROR' if number % 100 == 0 else 'fine'}\n")
        out.write("long " + "x" * 200 + " end\n")
    return path


class Viewed:
    """A log screen and what is on it."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot
        self.app = pilot.app

    @property
    def panel(self) -> LogPanel:
        return self.app.screen.query_one(LogPanel)

    @property
    def body(self) -> LogBody:
        return self.app.screen.query_one(LogBody)

    @property
    def text(self) -> str:
        """What is on the terminal."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def lines(self) -> list[str]:
        """The lines of the log on the terminal."""
        return [line[:-1].rstrip() for line in self.text.splitlines()[1 : 1 + self.body.size.height]]

    @property
    def body_text(self) -> str:
        """The lines of the log in one, as folding leaves them."""
        return "".join(line[:-1] for line in self.text.splitlines()[1 : 1 + self.body.size.height])

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the app work until it is so."""
        for _ in range(1000):
            if condition():
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"waited in vain; the screen:\n{self.text}")

    async def keys(self, *keys: str, until: str) -> None:
        """Press keys, and wait for a text on the screen."""
        await self.pilot.press(*keys)
        await self.until(lambda: until in self.text)


@asynccontextmanager
async def viewing(
    path: Path, until: str = "end", size: tuple[int, int] = (80, 24), **changes: Any
) -> AsyncIterator[Viewed]:
    """The screen of a log, as soon as it shows a text."""
    async with Screen().app.run_test(size=size) as pilot:
        row = job(946, **{"spool_dir": str(path.parent), **changes})
        yield await opened(pilot, row, until)


async def opened(pilot: Pilot[None], row: JobRow, until: str) -> Viewed:
    """The log of a job over what is on the screen, as soon as it shows a text."""
    await pilot.app.push_screen(LogScreen(row))
    viewed = Viewed(pilot)
    await viewed.until(lambda: until in viewed.text)
    return viewed


def append(path: Path, text: str) -> None:
    with path.open("a") as out:
        out.write(text)


async def test_it_opens_at_the_end_and_follows(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        assert viewed.lines[-2] == "line 4999 fine"
        append(log, "brand new\n")
        await viewed.until(lambda: viewed.lines[-1] == "brand new")
        assert "following" in viewed.text


async def test_up_pauses_counts_what_comes_and_the_end_follows_again(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("pageup", until="paused")
        before = viewed.lines
        append(log, "one\ntwo\n")
        await viewed.until(lambda: "2 new below" in viewed.text)
        assert viewed.lines == before
        await viewed.keys("G", until="following")
        await viewed.until(lambda: viewed.lines[-1] == "two")


async def test_paging_up_reaches_the_first_line_and_down_the_last(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("g", until="line 1 fine")
        assert viewed.lines[0] == "line 1 fine"
        for _ in range(20):
            await viewed.pilot.press("pagedown")
        height = viewed.body.size.height
        await viewed.until(
            lambda: viewed.lines[0] == f"line {20 * height + 1} " + ("fine" if (20 * height + 1) % 100 else "ERROR")
        )


async def test_what_is_loaded_above_does_not_move_the_lines_on_the_screen(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.pilot.press("pageup")
        number = int(viewed.lines[0].split()[1])
        for _ in range(30):
            await viewed.pilot.press("pageup")
            await viewed.until(lambda: viewed.body.view.skipped < viewed.body.first_offset)
            await viewed.pilot.pause(0.02)
            number -= viewed.body.size.height
            assert viewed.lines[0].startswith(f"line {number} ")


@pytest.mark.parametrize(("typed", "wanted"), [("2500", "line 2500 ERROR"), ("0%", "line 1 fine"), ("50%", "line 25")])
async def test_going_to_a_place(log: Path, typed: str, wanted: str) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("ctrl+g", *typed, "enter", until=wanted)
        assert not viewed.panel.following


async def test_a_place_that_is_none_is_explained(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("ctrl+g", *"moon", "enter", until="no place in a log")


async def test_search_finds_the_nearest_above_then_on(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("slash", *"ERROR", "enter", until="line 4900 ERROR")
        assert viewed.body.current_row is not None
        await viewed.until(lambda: viewed.body.current_row is not None and viewed.body.current_row.marks == ((10, 15),))
        await viewed.keys("N", until="line 4800 ERROR")
        await viewed.keys("N", until="line 4700 ERROR")
        await viewed.keys("n", until="48 of 49")
        await viewed.keys("n", until="49 of 49")
        await viewed.until(lambda: (row := viewed.body.current_row) and row.text == "line 4900 ERROR")
        await viewed.keys("n", until="no match below")
        await viewed.pilot.press("escape")
        await viewed.until(lambda: not any(row.marks for row in viewed.body.view.rows))


async def test_an_expression_in_any_case_and_a_wrong_one(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("slash", "ctrl+r", "ctrl+t", until="^r expression  ^t any case")
        await viewed.keys(*"(error", "enter", until="not a regular expression")
        assert viewed.app.screen.query_one(LogPrompt).display
        await viewed.keys(*")$", "enter", until="line 4900 ERROR")
        await viewed.until(lambda: (row := viewed.body.current_row) and row.marks == ((10, 15),))


async def test_a_filter_shows_only_what_matches_and_escape_shows_all(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("ampersand", *"ERROR", "enter", until="line 3000 ERROR")
        assert all("ERROR" in line for line in viewed.lines)
        append(log, "a new ERROR\nand not\n")
        await viewed.until(lambda: viewed.lines[-1] == "a new ERROR")
        await viewed.pilot.press("escape")
        await viewed.until(lambda: viewed.lines[-1] == "and not")


async def test_typing_keys_of_the_log_into_the_prompt_is_only_typing(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.pilot.press("slash", *"wtGgnN&#z", "escape")
        assert isinstance(viewed.app.screen, LogScreen)
        assert not viewed.body.wrap
        assert viewed.panel.following
        assert viewed.body.has_focus


async def test_the_prompt_recalls_what_was_typed(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("slash", *"ERROR", "enter", until="line 4900 ERROR")
        await viewed.pilot.press("escape", "slash", "up")
        await viewed.until(lambda: "/  ERROR" in viewed.text or "/ ERROR" in viewed.text)


async def test_long_lines_are_scrolled_and_following_keeps_it(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.pilot.press("right", "right")
        assert viewed.body.left == 16
        append(log, "0123456789abcdefghij\n")
        await viewed.until(lambda: viewed.lines[-1] == "ghij")
        await viewed.pilot.press(*["l"] * 40)
        assert viewed.lines[-2].endswith("end")
        assert viewed.body.left < 200


async def test_folding_shows_the_whole_line(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("w", until="x end")
        assert sum(line.count("x") for line in viewed.lines) == 200
        await viewed.pilot.press("k")
        assert not viewed.panel.following
        await viewed.pilot.press("j")
        assert viewed.panel.following


async def test_times_are_shown_only_of_what_was_seen_to_arrive(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        append(log, "seen\n")
        await viewed.keys("t", until="seen")
        assert re.fullmatch(r"\d\d:\d\d:\d\d seen", viewed.lines[-1])
        assert re.fullmatch(r" +· +line 4999 fine", viewed.lines[-3])


async def test_numbers_are_counted_when_wanted(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("number_sign", until="4,999 line 4999 fine")
        assert "line 5,000 of 5,000" in viewed.text


async def test_the_last_lines_go_to_the_clipboard(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("y", "2", "enter", until="2 lines sent to the terminal's clipboard (OSC 52)")
        assert viewed.app.clipboard == "line 4999 fine\nlong " + "x" * 200 + " end\n"
        await viewed.keys("y", *"x", "enter", until="is not a number of lines")


async def test_the_log_is_saved(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("S", "enter", until="bytes saved in job_946.log")
        assert (tmp_path / "job_946.log").read_bytes() == log.read_bytes()
        await viewed.keys("S", "enter", until="nothing is overwritten")


async def test_a_rotated_log_is_followed_and_it_is_said(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        log.rename(log.with_suffix(".1"))
        log.write_text("fresh\n")
        await viewed.until(lambda: viewed.lines[0] == "fresh" and "another log took the place" in viewed.text)


async def test_the_log_of_another_host_says_where_it_is(log: Path) -> None:
    async with viewing(log, until="read it there", remote_host="far") as viewed:
        assert "the log is on node alpha (host far): read it there" in viewed.text
        await viewed.pilot.press("slash", "x", "enter", "z")
        assert isinstance(viewed.app.screen, LogScreen)


@pytest.mark.parametrize("key", ["escape", "L", "z", "backspace"])
async def test_keys_lead_back(log: Path, key: str) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.pilot.press(key)
        await viewed.until(lambda: not isinstance(viewed.app.screen, LogScreen))


async def test_the_bar_leads_to_a_part_of_the_log(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.pilot.click(LogBody, offset=(79, 0))
        await viewed.until(lambda: viewed.lines[0] == "line 1 fine")


async def test_the_wheel_scrolls(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        viewed.body.post_message(MouseScrollUp(viewed.body, 5, 5, 0, -1, 0, False, False, False))
        await viewed.until(lambda: not viewed.panel.following)
        assert viewed.lines[-1] == "line 4997 fine"


async def test_a_job_that_waits_has_no_log_yet(tmp_path: Path) -> None:
    async with viewing(tmp_path / "output.log", until="not started yet", spool_dir=None, state=JobState.PENDING):
        pass


SEQUENCES = (
    b"\x1b[2J", b"\x1b]0;evil\x07", b"\x1b]52;c;eA==\x07", b"\x9b31m", b"\x1bP1$r\x1b\\", b"[bold]", b"[/]",
    b"[@click=app.quit]x[/]", b"\r", b"\t", b"\n", b"\x1b[31m", b"\x1b[8m", b"\x00" * 40,
)  # fmt: skip
HOSTILE = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from(SEQUENCES),
        st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    ),
    max_size=40,
).map(b"".join)  # fmt: skip


async def test_nothing_hostile_reaches_the_screen(tmp_path: Path) -> None:
    """Whatever bytes a job wrote, each cell of the screen is printable, and no width is lost.

    All examples are looked at in one program: starting it takes longer than all else. Hypothesis calls from a thread.
    """
    numbers = itertools.count()

    @settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
    @given(HOSTILE, st.booleans())
    def check(data: bytes, wrap: bool) -> None:
        path = tmp_path / str(next(numbers)) / "output.log"
        path.parent.mkdir()
        path.write_bytes(data + b"\nthe end\n")
        asyncio.run_coroutine_threadsafe(look(path, wrap), loop).result(120)

    async def look(path: Path, wrap: bool) -> None:
        viewed = await opened(pilot, job(946, spool_dir=str(path.parent)), "the end")
        if wrap:
            await pilot.press("w")
        await pilot.pause()
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", viewed.text)
        assert all(strip.cell_length == 60 for strip in viewed.app.screen._compositor.render_strips())
        assert viewed.app.clipboard == ""
        await viewed.app.pop_screen()

    loop = asyncio.get_running_loop()
    async with Screen().app.run_test(size=(60, 20)) as pilot:
        await asyncio.to_thread(check)


async def test_markup_is_plain_text_and_no_link(log: Path) -> None:
    append(log, "[@click=app.quit]x[/] [red]no[/red]\n")
    async with viewing(log, until="[red]no[/red]") as viewed:
        assert viewed.lines[-1] == "[@click=app.quit]x[/] [red]no[/red]"
        segments = [segment for strip in viewed.app.screen._compositor.render_strips() for segment in strip]
        assert not any(segment.style and "@click" in (segment.style.meta or {}) for segment in segments)


async def test_the_title_says_which_node_and_how_large_the_log_is_now(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.until(lambda: "node alpha · " in viewed.text.splitlines()[0])
        append(log, "y" * 5_000_000 + "\n")
        await viewed.until(lambda: "4.8 MiB · following" in viewed.text.splitlines()[0])


LONG = "x" * 300 + " NEEDLE " + "y" * 300 + "\n"


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """Lines whose match is far to the right, one in a line of many rows, one at the very left."""
    path = tmp_path / "output.log"
    with path.open("w") as out:
        for number in range(1, 301):
            out.write(f"line {number}\n" if number % 100 else LONG)
        out.write("日" * 100 + " NEEDLE\nNEEDLE at once\n" + "z" * 100_000 + "NEEDLE" + "z" * 100 + "\nend\n")
    return path


@pytest.mark.parametrize("how", ["plain", "expression"])
@pytest.mark.parametrize("wrap", [False, True])
async def test_a_match_beyond_the_edge_is_scrolled_to(wide: Path, wrap: bool, how: str) -> None:
    async with viewing(wide) as viewed:
        await viewed.pilot.press(*["w"] * wrap, "slash", *["ctrl+r"] * (how == "expression"), *"NEEDLE", "enter")
        for key, number, wanted in [
            ("", 6, "zNEEDLEz"),
            ("N", 5, "NEEDLE at once"),
            ("N", 4, "日 NEEDLE"),
            ("N", 3, " NEEDLE y"),
            ("N", 2, " NEEDLE y"),
            ("n", 3, " NEEDLE y"),
            ("n", 4, "日 NEEDLE"),
        ]:
            await viewed.pilot.press(*key)
            await _arrived(viewed, number, wanted)


async def _arrived(viewed: Viewed, number: int, wanted: str) -> None:
    await viewed.until(lambda: f": {number} of 6" in viewed.text)
    await viewed.until(lambda: _current_shows(viewed, wanted))


def _current_shows(viewed: Viewed, wanted: str) -> bool:
    row = viewed.body.current_row
    return row is not None and wanted in row.text and wanted in viewed.body_text


async def test_a_search_begins_empty_and_repeats_the_last(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("slash", "enter", until="following")
        await viewed.keys("slash", *"ERROR", "enter", until="line 4900 ERROR")
        await viewed.keys("slash", *"line 48", "enter", until="line 4899 fine")
        await viewed.keys("slash", "enter", until="/ line 48: ")
        await viewed.until(lambda: (row := viewed.body.current_row) and row.text == "line 4898 fine")
        await viewed.pilot.press("escape", "slash", "enter")
        await viewed.until(lambda: (row := viewed.body.current_row) and row.text == "line 4899 fine")
        await viewed.keys("slash", "up", "up", "enter", until="/ ERROR: ")
        await viewed.until(lambda: (row := viewed.body.current_row) and row.text == "line 4900 ERROR")


async def test_what_is_proposed_is_replaced_by_typing(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("y", "3", "enter", until="3 lines")
        await viewed.keys("ampersand", *"4900", "enter", until="& 4900")
        await viewed.keys("ampersand", *"ERROR", "enter", until="line 4500 ERROR")
        await viewed.keys("ampersand", "enter", until="line 4999 fine")


async def test_matches_are_counted(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("slash", *"ERROR", "enter", until="/ ERROR: 49 of 49")
        await viewed.keys("N", until="/ ERROR: 48 of 49")
        await viewed.keys("ampersand", *"00 ", "enter", until="& 00 ")
        await viewed.keys("slash", *"fine", "enter", until="no match")
        await viewed.until(lambda: "/ fine: 0 " in viewed.text)
        await viewed.keys("escape", "escape", "slash", *"line", "enter", until=" of 4,999 ")
        append(log, "a line\n")
        await viewed.until(lambda: " of 5,000 " in viewed.text)


async def test_the_count_says_where_it_stopped(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_jobs, "MOST_COUNTED", 1200)
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("slash", *"line", "enter", until="/ line: 1,200 and more")
        await viewed.keys("g", "n", until="/ line: 2 of 1,200 and more")
    monkeypatch.setattr(search_jobs, "COUNTED_BYTES", 20_480)
    monkeypatch.setattr(request_handler, "COUNTED_BYTES", 20_480)
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("slash", *"ERROR", "enter", until=" in the first 20 KiB")


async def test_many_new_lines_have_separators(log: Path) -> None:
    async with viewing(log, until="line 4999") as viewed:
        await viewed.keys("pageup", until="paused")
        append(log, "new\n" * 1234)
        await viewed.until(lambda: "paused, 1,234 new below" in viewed.text)


@pytest.mark.parametrize("state", [state for state in JobState if state.final])
async def test_the_log_of_a_job_that_has_ended_is_not_followed(log: Path, state: JobState) -> None:
    async with viewing(log, until="line 4999", state=state) as viewed:
        assert "at its end" in viewed.text.splitlines()[0]
        await viewed.keys("pageup", until="above its end")
        assert "following" not in viewed.text
        assert "paused" not in viewed.text

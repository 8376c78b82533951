"""A log on a terminal: bars are one row that changes at once, and nothing in it acts on the terminal."""

import io
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.terminal import Terminal
from jobwarden.backend.cli.log_output import LONGEST_SEQUENCE, TerminalSink
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.logs.sanitize import show_line
from tests.support.cli import Cli
from tests.support.scene import Scene, scene

STATES = [f"{10 * done:3d}%|{'#' * done:10s}|" for done in range(1, 9)]
BARS = {
    "before": "\r{}",
    "behind": "{}\r",
    "coloured": "\r\x1b[32m{}\x1b[0m",
    "coloured outside": "\x1b[32m\r{}\x1b[0m",
    "erased first": "\r\x1b[K{}",
    "erased whole": "\x1b[2K\r{}",
    "erased below": "\r\x1b[J{}",
    "column": "\x1b[1G{}",
    "back": "{}" + "\b" * len(STATES[0]),
}


class Printed:
    """What a sink wrote."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.text = ""
        patch.setattr("jobwarden.backend.cli.log_output.click.echo", self._echo)
        self.sink = TerminalSink()

    def _echo(self, text: str, **_: object) -> None:
        self.text += text

    def took(self, data: str | bytes, idle: bool = True) -> str:
        """What was written for these bytes."""
        before = len(self.text)
        self.sink(data.encode() if isinstance(data, str) else data, idle)
        return self.text[before:]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    return Printed(monkeypatch)


@pytest.mark.parametrize("bar", BARS.values(), ids=BARS)
def test_a_bar_is_one_row_that_changes_at_once(printed: Printed, bar: str) -> None:
    printed.took("start\n")
    for state in STATES:
        printed.took(bar.format(state))
        row = printed.text.rpartition("\n")[2]
        assert re.sub(r"\x1b\[[0-9;]*m", "", show_line(row)) == state
    assert printed.text.count("\n") == 1


def test_a_bar_longer_than_any_window_is_one_row(printed: Printed) -> None:
    """As a follower meets it that comes late: megabytes of states at once."""
    bar = "".join(f"\r\x1b[33m{number:6d}|{'x' * 40}\x1b[0m" for number in range(40_000))
    for begin in range(0, len(bar), 100_001):
        printed.took(bar[begin : begin + 100_001], idle=False)
    assert "\n" not in printed.text
    assert show_line(printed.text).startswith("\x1b[0;38;5;3m 39999|x")
    assert printed.text.count("\r") == 40_000


def test_dots_come_one_by_one(printed: Printed) -> None:
    assert [printed.took(".") for _ in range(3)] == [".", ".", "."]


def test_half_a_character_and_half_a_sequence_wait_for_their_end(printed: Printed) -> None:
    assert [printed.took(bytes([byte])) for byte in "é".encode()] == ["", "é"]
    assert [printed.took(part) for part in ("a\x1b", "[3", "1", "mb")] == ["a", "", "", "\x1b[31mb"]
    assert [printed.took(part) for part in ("\x1b]8;;http", "://x\x1b", "\\link\n")] == ["", "", "link\x1b[0m\n"]
    printed.took("\x1b]0;" + "x" * LONGEST_SEQUENCE)
    assert printed.took("and on") == "and on"


def test_only_colours_and_moves_within_the_line_reach_the_terminal(printed: Printed) -> None:
    assert printed.took("\x1b]0;title\x07x\x1b[2J\x1b[H\x1b[1Ay\x1bc\x1b[?1049h\x1b[8mz") == "xyz"
    assert printed.took("\r\x1b[2K\x1b[5D\x1b[3C\x1b[4G\x1b[0J\x1b[J") == "\r\x1b[2K\x1b[5D\x1b[3C\x1b[4G\x1b[K\x1b[K"


@given(st.lists(st.binary(max_size=30), max_size=8), st.booleans())
def test_a_log_on_a_terminal_is_harmless_however_it_arrives(pieces: list[bytes], idle: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        printed = Printed(patch)
        for piece in pieces:
            printed.took(piece, idle)
    rest = re.sub(r"\x1b\[[0-9;]*[mKCDG`XP@]", "", printed.text)
    assert all(char in "\t\r\b\n" or char >= " " for char in rest)


@given(
    st.lists(st.sampled_from([*BARS.values(), "\x1b[31m", "日本", "a\tb", "\n", "\b", "\x1b[3X", "end"]), max_size=9)
)
def test_the_terminal_shows_what_the_dashboard_shows(parts: list[str]) -> None:
    written = "".join(part.format("10%") for part in parts)
    with pytest.MonkeyPatch.context() as patch:
        printed = Printed(patch)
        for char in written:
            printed.took(char)
        printed.took("\n")
    rows = [show_line(row) for row in printed.text.split("\n")[:-1]]
    assert [_bare(row) for row in rows] == [_bare(show_line(line)) for line in written.split("\n")]


def _bare(row: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", row)


def test_a_bar_of_a_running_job_moves_on_a_terminal_and_is_bytes_in_a_pipe(
    cli: Cli, engine: Engine, settings: Settings, mark: str
) -> None:
    with scene(engine, settings, mark) as stage:
        _check_bar(cli, stage)


def _check_bar(cli: Cli, stage: Scene) -> None:
    script = "printf 'start\\n\\r\\033[32m10%%|#   |\\033[0m'; sleep 600\n"
    job = stage.run(stage.worker(alive=True), script)
    job.said("10%")
    with Terminal([sys.executable, "-m", "jobwarden", "logs", "-f", str(job.id)], dict(cli.env)) as terminal:
        terminal.until(lambda: b"10%|" in terminal.output)
        assert b"start\r\n\r\x1b[32m10%|#   |\x1b[0m" in terminal.output
    follower = cli.start("logs", "-f", str(job.id))
    assert isinstance(follower.stdout, io.TextIOWrapper)
    assert follower.stdout.buffer.read(25) == b"start\n\r\x1b[32m10%|#   |\x1b[0m"

"""No word of a job, a user, a database or a server acts on an operator's terminal, spreadsheet or eyes."""

import csv
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from benchmarks.terminal import Terminal
from jobwarden.backend.cli.output import LONGEST_CELL, cell, fit
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.feeds.export_file import write_rows
from jobwarden.backend.harmless import dotted, escaped, is_harmless, json_escaped
from jobwarden.backend.process.identity import this_host
from jobwarden.backend.process.spool import log_path
from jobwarden.tui.text import LONGEST, Harmless, Text, note
from tests.support.cli import Cli
from tests.support.poison import INVISIBLE, MARK, MEGABYTE, POISON, harm, plant
from tests.tui.fakes import Screen

ROOT = Path(__file__).parents[2]

LISTINGS = (
    ("jobs",), ("orphans",), ("workers",), ("alerts",), ("events",), ("health",), ("config",), ("metrics",),
    ("show", "{waiting}"), ("show", "{lost}"), ("events", "{lost}"), ("kill", "--dry-run", "{lost}"),
    ("clean", "--dry-run"), ("cleanup", "--dry-run"), ("release", "{waiting}"), ("jobs", "name:\x1b]52;c;x\x07"),
    ("logs", "{lost}"), ("no\x1b]0;verb",), ("show", "\x1b]0;x\x07"),
)  # fmt: skip
KEYS = (
    "\r", "]", "]", "]", "]", "\x1b", "j", "L", "L", "j", "K", "\x1b", "c", "\x1b", "*", "c", "\x1b", "u",
    "2", "j", "3", "j", "4", "j", "5", "j", "1", "/", "name:", "\t", "\x1b", "\x1b", "?", "\x1b", ":", "\x1b", "o",
    "\x1b", "w", "\x1b", "b", "\x1b", ":copy row\r", ":copy id\r", ":release\r", ":hold\r",
)  # fmt: skip
"""Every screen, the parts of a job, its log, questions, filter, help, palette, pickers, notes."""


@pytest.fixture(params=[POISON, MEGABYTE], ids=["short", "megabyte"])
def planted(request: pytest.FixtureRequest, engine: Engine, home: Path) -> dict[str, object]:
    spool = home / "spool" / "one"
    spool.mkdir(parents=True)
    Path(log_path(str(spool))).write_bytes((POISON + "\n").encode("utf-8", "surrogatepass") * 50)
    host = this_host()
    with engine.begin() as conn:
        return {**plant(conn, request.param, str(spool), host.machine_id, host.boot_id), "name": request.param}


def words(listing: tuple[str, ...], planted: dict[str, object]) -> list[str]:
    return [word.format(**planted) if word.startswith("{") else word for word in listing]


@pytest.mark.slow
@pytest.mark.attempt("Job name in log title; escape, bidi, markup in other dashboard places", fault=7)
def test_every_screen_shows_hostile_words_and_obeys_none(cli: Cli, planted: dict[str, object]) -> None:
    """Whoever can name a job (or write any text of the database) fills the clipboard of who looks at it."""
    command = [sys.executable, "-m", "jobwarden", "tui"]
    with Terminal(command, dict(cli.env)) as terminal:
        terminal.until(lambda: MARK.encode() in terminal.output)
        for key in KEYS:
            terminal.press(key)
            terminal.drain(0.4, most=20)
            assert terminal.process.poll() is None, (key, bytes(terminal.output[-2000:]))
        terminal.press("\x11")
        assert terminal.wait() == 0
    assert not harm(bytes(terminal.output))
    assert terminal.output.count(b"Kill 1 job?") and b"log of" in terminal.output


@pytest.mark.slow
@pytest.mark.attempt("Escape, bidi, markup in CLI and JSON")
def test_every_listing_shows_hostile_words_and_obeys_none(cli: Cli, planted: dict[str, object]) -> None:
    """The same words in a listing, on a terminal and piped, as a table and as JSON."""
    for listing in LISTINGS:
        command = cli.command(*words(listing, planted))
        with Terminal(command, dict(cli.env)) as terminal:
            terminal.wait()
            assert not harm(bytes(terminal.output)), listing
        done = subprocess.run(command, env=dict(cli.env), capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        raw = listing[0] == "metrics"
        assert raw or not harm(done.stdout), listing
        assert not harm(done.stderr), listing


@pytest.mark.attempt("Escape, bidi, markup in JSON")
def test_json_says_the_same_as_the_database(cli: Cli, planted: dict[str, object]) -> None:
    """JSON for a script is both harmless to look at and exact."""
    done = cli("jobs", "--json")
    assert not harm(done.out.encode())
    assert {job["name"] for job in done.json} == {planted["name"]}


@pytest.mark.attempt("Escape in the log of a job")
def test_a_log_is_raw_only_where_no_terminal_is(cli: Cli, planted: dict[str, object]) -> None:
    """A job writes the sequences into its log itself."""
    command = cli.command("logs", str(planted["ran"]))
    with Terminal(command, dict(cli.env)) as terminal:
        assert terminal.wait() == 0
    assert not harm(bytes(terminal.output).replace(b"\b", b""))  # as CR does, it moves within the line of the job
    piped = subprocess.run(command, env=dict(cli.env), capture_output=True, timeout=60)
    assert MARK.encode() in piped.stdout and b"\x1b]52" in piped.stdout


@pytest.mark.attempt("CSV keeps ESC and tab or blank before =", fault=0)
@pytest.mark.parametrize("before", ["", " ", "\t", "\r", "\n", "\x1b", "\x9b", "\u200b", "\u202e", "\ufeff", " \t "])
@pytest.mark.parametrize("sign", "=+-@＝")
def test_a_cell_becomes_a_formula(before: str, sign: str, tmp_path: Path) -> None:
    """A job named ``=HYPERLINK(...)``, with something before it that the spreadsheet skips."""
    path = tmp_path / "rows.csv"
    write_rows(path, [{"name": f"{before}{sign}1+1", "text": POISON, "number": -5}])
    with path.open(encoding="utf-8", newline="") as file:
        _, (name, text, number) = csv.reader(file)
    assert name.startswith("'") and name.endswith("1+1") and number == "-5"
    assert not harm(path.read_bytes()) and text.startswith("'=")


@pytest.mark.attempt("Exports are readable by others", fault=0)
@pytest.mark.parametrize("ending", ["csv", "json"])
def test_an_export_is_read_by_another_user_or_goes_through_a_link(ending: str, tmp_path: Path) -> None:
    """Environments hold passwords; a link at the name would write them elsewhere."""
    before = os.umask(0)
    try:
        path = tmp_path / f"rows.{ending}"
        write_rows(path, [{"environment": {"K": POISON}}])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        (tmp_path / f"link.{ending}").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Exception, match="exists"):
            write_rows(tmp_path / f"link.{ending}", [{"a": 1}])
        assert not (tmp_path / "elsewhere").exists()
    finally:
        os.umask(before)
    if ending == "json":
        assert json.loads(path.read_text("utf-8")) == [{"environment": {"K": POISON}}]
        assert not harm(path.read_bytes())


def test_a_lone_surrogate_breaks_an_export(tmp_path: Path) -> None:
    """A file name that is no UTF-8 ends in a traceback instead of a file."""
    for ending in ("csv", "json"):
        assert write_rows(tmp_path / f"rows.{ending}", [{"name": "a\udc80b"}]) == 1


@pytest.mark.parametrize("text", [*INVISIBLE, *map(chr, [*range(32), *range(0x7F, 0xA0)]), "\udc80", "\U000e0041"])
def test_a_character_slips_through_the_one_border(text: str) -> None:
    """Each of the known characters, alone and in every function that makes text harmless."""
    assert not is_harmless(f"a{text}b")
    for safe in (dotted(f"a{text}b"), escaped(f"a{text}b"), Text(f"a{text}b").plain):
        assert is_harmless(safe) and safe.isprintable()
    document = json.dumps({"k": f"a{text}b"}, ensure_ascii=False)
    assert is_harmless(json_escaped(document)) and json.loads(json_escaped(document)) == {"k": f"a{text}b"}


def test_a_pile_of_marks_covers_its_neighbours() -> None:
    """Hundreds of marks over one letter are drawn over the lines around it."""
    assert dotted("e" + "\u0301" * 500) == "e" + "\u0301" * 4
    assert dotted("Việt́ שָׁלוֹם สวัสดี") == "Việt́ שָׁלוֹם สวัสดี"


def test_a_megabyte_in_one_word_is_drawn_whole() -> None:
    """What is drawn of a text does not grow with it, so that nobody waits for it."""
    assert len(Text(MEGABYTE).plain) <= LONGEST
    assert len(note(MEGABYTE)) <= LONGEST
    assert len(cell(MEGABYTE)) < 2 * LONGEST_CELL
    assert fit(MEGABYTE[-(1 << 20) :], 80) == "x" * 79 + "…"


def test_a_widget_draws_past_the_border() -> None:
    """Text of Rich itself, or a widget of Textual's: the last filter sees every line before the terminal does."""
    drawn = [Segment(POISON, Style(link=f"http://{MARK}")), Segment("fine", Style(bold=True))]
    first, second = Harmless().apply(drawn, Color(0, 0, 0))
    assert is_harmless(first.text) and first.style is not None and first.style.link is None
    assert second == drawn[1]
    assert any(isinstance(one, Harmless) for one in Screen().app.get_line_filters())


@pytest.mark.parametrize(
    "line",
    ["from rich.text import Text", "from textual.content import Content", "import click\nclick.echo('')", "print()"],
)
@pytest.mark.parametrize("folder", ["tui", "backend/cli"])
def test_a_place_without_the_border_is_written(line: str, folder: str) -> None:
    """The next forgotten place: the check of every change refuses it."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "TID251,T20",
        "--stdin-filename",
        f"{folder}/new.py",
        "-",
    ]
    done = subprocess.run(command, cwd=ROOT, input=f"{line}\n", capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr


def test_output_of_this_test_would_notice() -> None:
    """The judge of these tests finds the poison where nothing was done about it."""
    said = io.BytesIO(POISON.encode("utf-8", "surrogatepass")).read()
    assert len(harm(said)) > 20

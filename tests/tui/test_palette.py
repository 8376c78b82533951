"""The line of commands: what it offers, what it runs, what it remembers."""

import csv
import json
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from jobwarden.backend.actions.targets import Scope
from jobwarden.backend.errors import InputError
from jobwarden.backend.feeds.export_file import as_row, write_rows
from jobwarden.tui.config.keymap import every_group
from jobwarden.tui.config.state import History
from jobwarden.tui.dialogs.confirm import Confirm
from jobwarden.tui.dialogs.help import Help
from jobwarden.tui.palette.commands import best, commands, parse
from jobwarden.tui.palette.screen import Palette
from tests.tui.fakes import Screen, incident, job, jobs, snapshot, window
from tests.tui.waiting import asks, until

KNOWN = commands(every_group(), read_only=False)


@pytest.mark.parametrize(
    ("typed", "first"),
    [("kil", "kill"), ("expj", "export json"), ("orp", "orphans"), ("thn", "theme nord"), ("qui", "quit")],
)  # fmt: skip
def test_a_few_letters_find_a_command(typed: str, first: str) -> None:
    assert best(typed, KNOWN)[0].words == first


def test_letters_that_nothing_has_find_nothing() -> None:
    assert best("zzz", KNOWN) == []


@pytest.mark.parametrize(
    ("typed", "words", "rest"),
    [
        ("kill 12 13", "kill", "12 13"), ("kill", "kill", ""), ("12", "job", "12"), ("theme  nord", "theme nord", ""),
        ("filter state:failed age>1h", "filter", "state:failed age>1h"), ("filter", "filter", ""),
        ("mark-failed 7", "mark-failed", "7"),
    ],
)  # fmt: skip
def test_a_whole_command_is_taken_as_typed(typed: str, words: str, rest: str) -> None:
    call = parse(typed, KNOWN)
    assert call is not None
    assert (call.command.words, call.rest) == (words, rest)


@pytest.mark.parametrize("typed", ["", "killer 12", "orphans now", "theme"])
def test_what_is_no_command_is_none(typed: str) -> None:
    assert parse(typed, KNOWN) is None


def test_a_command_that_lacks_something_says_what() -> None:
    with pytest.raises(InputError, match="job: needs ID"):
        parse("job", KNOWN)


def test_read_only_offers_no_action() -> None:
    words = {command.words for command in commands(every_group(), read_only=True)}
    assert "orphans" in words and "copy id" in words
    assert not words & {"kill", "clean", "cancel", "hold"}


async def _say(pilot: Pilot[None], text: str) -> None:
    await pilot.press("colon")
    await until(pilot, lambda: asks(pilot.app, Palette))
    pilot.app.screen.query_one(Input).value = text
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()


async def test_an_action_goes_to_the_named_job_whatever_is_listed() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        screen.source.deliver(window(jobs(950, 20)))
        await pilot.pause()
        await _say(pilot, "kill 123")
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.press("enter")
        await until(pilot, lambda: screen.client.performed)
    assert "123" in str(screen.client.performed[0])


async def test_an_action_goes_to_what_a_filter_names_and_is_pinned_to_it() -> None:
    screen = Screen()
    screen.client.matching = (7, 8)
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await _say(pilot, "kill name:train* node:beta")
        await until(pilot, lambda: asks(screen.app, Confirm))
        await pilot.press("enter")
        await until(pilot, lambda: screen.client.performed)
    assert screen.client.scopes[0] == Scope(filter="name:train* node:beta")
    assert screen.client.scopes[-1] == Scope((7, 8), "name:train* node:beta")


async def test_a_wrong_id_is_said_and_nothing_done() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await _say(pilot, "kill twelve")
        await until(pilot, lambda: any("twelve" in note.message for note in screen.app._notifications))
    assert not screen.client.performed


async def test_filter_theme_screen_and_help() -> None:
    screen = Screen()
    app = screen.app
    async with app.run_test(size=(120, 40)) as pilot:
        screen.source.deliver(snapshot())
        await pilot.pause()
        await _say(pilot, "theme nord")
        await until(pilot, lambda: app.theme == "nord")
        assert app.state.get("app", "theme", "") == "nord"
        await _say(pilot, "filter state:failed")
        await until(pilot, lambda: any("state:failed" in str(asked) for asked in screen.source.asked))
        await _say(pilot, "filter state:")
        await until(pilot, lambda: any("state" in note.message for note in app._notifications))
        await _say(pilot, "orphans")
        await until(pilot, lambda: app.current_mode == "orphans")
        await _say(pilot, "help")
        await until(pilot, lambda: isinstance(app.screen, Help))


async def test_what_was_typed_is_offered_first_the_next_time() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await _say(pilot, "theme light")
        await _say(pilot, "theme ansi")
        await until(pilot, lambda: screen.app.theme == "ansi")
        await _say(pilot, "")
        await pilot.press("colon")
        await pilot.pause()
        assert History(screen.app.state, "palette").lines[:2] == ("theme ansi", "theme light")
        await pilot.press("down", "enter")
        await until(pilot, lambda: screen.app.theme == "light")


async def test_escape_leaves_everything_as_it_was() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon", *"kill 1", "escape")
        await pilot.pause()
        assert not isinstance(screen.app.screen, Palette)
        assert History(screen.app.state, "palette").lines == ()


async def test_an_unknown_command_is_said_where_it_was_typed() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await _say(pilot, "zzz")
        assert "no command 'zzz'" in str(screen.app.screen.query_one("#candidates").render())


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("typed", ["", "ma", "re", "pa"])
async def test_what_a_command_does_begins_in_one_column_and_its_keys_are_whole(width: int, typed: str) -> None:
    screen = Screen()
    async with screen.app.run_test(size=(width, 40)) as pilot:
        await pilot.press("colon", *typed)
        await pilot.pause()
        lines = str(screen.app.screen.query_one("#candidates").render()).split("\n")
    known = {command.shown: command for command in KNOWN}
    begins = set()
    for line in lines:
        found = next((one for shown, one in known.items() if line[1:].startswith(f"{shown}  ")), None)
        if found is not None:
            assert line.rstrip().endswith(found.keys) and len(line) == len(lines[0])
            begins.add(line.index(found.help[:6], len(found.shown) + 1))
    assert len(begins) == 1


async def test_the_list_is_laid_out_anew_for_another_width() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(200, 40)) as pilot:
        await pilot.press("colon", *"page")
        await pilot.resize_terminal(60, 40)
        await pilot.pause()
        shown = screen.app.screen.query_one("#candidates")
        lines = str(shown.render()).split("\n")
        assert {len(line) for line in lines} == {shown.size.width}
        assert lines[0].endswith("PgDn ^f") or lines[1].endswith("PgDn ^f")


async def test_copy() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        screen.source.deliver(incident(946))
        screen.source.deliver(window([job(946)]))
        await pilot.pause()
        await pilot.press("Y")
        await pilot.pause()
        assert screen.app.clipboard == "946"
        await _say(pilot, "copy command")
        await until(pilot, lambda: "job_946.sh" in screen.app.clipboard)
        await _say(pilot, "copy pid")
        await until(pilot, lambda: screen.app.clipboard == "4946")
        await _say(pilot, "copy row")
        await until(pilot, lambda: "RUNNING" in screen.app.clipboard and "\t" in screen.app.clipboard)


def test_rows_become_csv_and_json(tmp_path: Path) -> None:
    rows = [as_row(job(2)), as_row(job(1, name="=cmd()", error_msg='a,"b"\nc'))]
    assert write_rows(tmp_path / "rows.csv", rows) == 2
    with (tmp_path / "rows.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["id"] for row in read] == ["2", "1"]
    assert read[1]["name"] == "'=cmd()" and read[1]["error_msg"] == 'a,"b"\nc'
    write_rows(tmp_path / "rows.json", rows)
    assert [row["submit_time"] for row in json.loads((tmp_path / "rows.json").read_text())] == [
        job(2).submit_time.isoformat(),
        job(1).submit_time.isoformat(),
    ]


@pytest.mark.parametrize("name", ["empty.csv", "empty.json"])
def test_no_rows_are_a_file_all_the_same(tmp_path: Path, name: str) -> None:
    assert write_rows(tmp_path / name, []) == 0
    assert (tmp_path / name).read_text().strip() in ("", "[]")


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("mine")
    with pytest.raises(InputError, match="exists"):
        write_rows(tmp_path / "rows.csv", [])
    assert (tmp_path / "rows.csv").read_text() == "mine"

"""The documents agree with the code, and nothing in them points nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from jobwarden.backend.actions.catalog import ACTIONS
from jobwarden.backend.cli.main import VERBS
from jobwarden.backend.cli.main import cli as root
from jobwarden.backend.config.settings import NOT_SETTINGS, PREFIX, RULES, docs
from jobwarden.backend.domain.states import AnomalyKind
from tests.project.test_deploy import check_command, commands
from tools import folders_page, house, security_page
from tools.settings_page import PAGE, page

ROOT = Path(__file__).parents[2]
ENDS = ("|", ">", "<", "&", ";", "#")
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "SECURITY", "CONTRIBUTING", "CHANGELOG")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def fenced(path: Path) -> str:
    return "\n".join(re.findall(r"```sh\n(.*?)```", path.read_text(), flags=re.DOTALL))


def own_words(words: list[str]) -> list[str]:
    """Those before the shell goes on with something else."""
    own: list[str] = []
    for word in words:
        if word.startswith(ENDS):
            break
        own.append(re.sub(r"[;)]+$", "", word))
        if word.endswith(";"):
            break
    return own


def test_the_settings_page_is_what_the_code_says() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_the_table_of_attempts_is_what_the_tests_make() -> None:
    assert security_page.PAGE.read_text() == security_page.page(), "run `make docs`"


def test_every_finding_of_the_review_is_an_attempt() -> None:
    assert {attempt.fault for attempt in security_page.attempts()} >= {*range(1, 15)}


def test_every_setting_is_explained() -> None:
    assert [name for name in RULES if not docs().get(name)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


FILE = re.compile(r"`((?:backend|tui|tests|tools|benchmarks|deploy|docs|screenshots|jobwarden)/[^`\s]*)`")
"""A path of ours, as a page names it."""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_files_that_are_named_exist(path: Path) -> None:
    for name in FILE.findall(path.read_text()):
        assert list(ROOT.glob(name)), f"{path.name} names {name}"


def test_the_map_of_the_folders_is_what_they_say_of_themselves() -> None:
    assert folders_page.PAGE.read_text() == folders_page.page(), "run `make docs`"


def test_every_folder_says_what_it_is_for() -> None:
    assert "|  |" not in folders_page.table()


def test_the_code_fits_its_rooms() -> None:
    assert list(house.complaints(house.modules())) == []


def test_a_room_that_is_too_full_is_noticed() -> None:
    file = house.ROOT / "backend" / "errors.py"
    many = [house.Module(file, 500, ("Twice",)) for _ in range(house.MOST_MODULES + 1)]
    said = "\n".join(house.complaints(many))
    for part in ("modules, at most", "has 500 lines", "the median", "backend has", "Twice is defined in"):
        assert part in said


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_in_the_documents_exists(path: Path) -> None:
    for words in commands(fenced(path)):
        check_command(own_words(words))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_setting_in_the_documents_exists(path: Path) -> None:
    known = {PREFIX + name.upper() for name in RULES}
    named = set(re.findall(r"\bJOBWARDEN_[A-Z_]*[A-Z]\b", path.read_text()))
    assert {name for name in named if not name.startswith("JOBWARDEN_TUI_")} <= known | NOT_SETTINGS


def test_the_runbook_has_every_anomaly_and_every_action() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    assert re.findall(r"^### `([A-Z]+)`", runbook, flags=re.MULTILINE) == [str(kind) for kind in AnomalyKind]
    for name in ACTIONS:
        assert f"`{name}`" in runbook, name


@pytest.mark.parametrize("name", sorted(VERBS))
def test_every_verb_shows_an_example_of_itself(name: str) -> None:
    _, command, _ = root.resolve_command(click.Context(root), [name])
    assert command is not None and command.help is not None
    found = re.search(r"Example: (.*)", command.help)
    assert found is not None
    assert f"jobwarden {name}" in found[1]
    if "$(" not in found[1]:
        for words in commands(found[1]):
            check_command(own_words(words))


@pytest.mark.parametrize("picture", sorted((ROOT / "screenshots").glob("*.svg")), ids=lambda path: path.stem)
def test_pictures_show_no_path_of_the_machine_they_were_taken_on(picture: Path) -> None:
    paths = re.findall(r"/[^\s<&]*(?=jobwarden-shim)", picture.read_text())
    assert all(path.startswith("/tmp/jobwarden-") for path in paths), paths

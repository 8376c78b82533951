"""Preferences: where they come from, and one clear line for every mistake."""

import re
from pathlib import Path
from typing import Protocol

import pytest

from jobwarden.backend.errors import InputError
from jobwarden.tui.app.main import JobwardenApp
from jobwarden.tui.columns.lists import TABLES
from jobwarden.tui.config.preferences import Preferences, load_preferences
from jobwarden.tui.screen_registry import SCREENS
from jobwarden.tui.screens.jobs_table import JobTable
from jobwarden.tui.theme.themes import THEMES
from tests.tui.fakes import FakeActionClient, FakeSource


class Write(Protocol):
    """Writes the file, and reads it with variables of the environment."""

    def __call__(self, text: str, **env: str) -> Preferences: ...


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes dashboard.toml into the home and reads it with the environment given."""

    def write(text: str, **env: str) -> Preferences:
        (tmp_path / "dashboard.toml").write_text(text)
        return load_preferences(tmp_path, env, tables=lambda: TABLES)

    return write


def test_without_a_file_everything_has_a_default_and_the_path_says_where_to_put_one(tmp_path: Path) -> None:
    preferences = load_preferences(tmp_path, {}, tables=lambda: TABLES)
    assert preferences.model_dump() == Preferences().model_dump()
    assert preferences.path == tmp_path / "dashboard.toml"


def test_the_environment_wins_over_the_file(write: Write) -> None:
    text = 'theme = "nord"\nbell = false\npoll_seconds = 5\n'
    assert write(text).theme == "nord"
    preferences = write(text, JOBWARDEN_TUI_THEME="ansi", JOBWARDEN_TUI_POLL_SECONDS="2.5")
    assert (preferences.theme, preferences.bell, preferences.poll_seconds) == ("ansi", False, 2.5)


def test_the_home_wins_over_the_configuration_directory(tmp_path: Path) -> None:
    config = tmp_path / "config" / "jobwarden"
    config.mkdir(parents=True)
    (config / "dashboard.toml").write_text('theme = "light"')
    home = tmp_path / "home"
    home.mkdir()
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert load_preferences(home, env, tables=lambda: TABLES).theme == "light"
    (home / "dashboard.toml").write_text('theme = "nord"')
    assert load_preferences(home, env, tables=lambda: TABLES).theme == "nord"


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*/nowhere\.toml"):
        load_preferences(tmp_path, {"JOBWARDEN_TUI_CONFIG": str(tmp_path / "nowhere.toml")}, tables=lambda: TABLES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('theme = "darkk"', "theme in FILE: no theme 'darkk': the nearest known one is 'dark'"),
        ("bel = true", "unknown setting bel in FILE: the nearest known one is bell"),
        ("poll_seconds = 0", "poll_seconds in FILE: input should be greater than or equal to 0.25 (not '0')"),
        ("bell = 'perhaps'", "bell in FILE: input should be a valid boolean"),
        ("[keys]\n'act.klean' = 'X'", "keys in FILE: no binding 'act.klean': the nearest known one is 'act.clean'"),
        ("[keys]\n'app.quit' = 'page-up'", "keys in FILE: app.quit: no key 'page-up': the nearest known one is"),
        ("[keys]\n'app.quit' = 'hyper+q'", "keys in FILE: app.quit: no key 'hyper+q': the nearest known one is "),
        ("[keys]\n'app.quit' = ''", "keys in FILE: app.quit: no key ''"),
        ("[keys]\n'act.hold' = 'C'", "keys in FILE: key 'C' is given to both act.clean and act.hold"),
        ("[keys]\n'table.up' = '?'", "keys in FILE: key 'question_mark' is given to both table.up and app.help"),
        ("[keys]\n'app.quit' = 7", "keys.app.quit in FILE: input should be a valid string (not '7')"),
        ("[columns]\njbos = ['id']", "columns in FILE: no table 'jbos': the nearest known one is 'jobs'"),
        ("[columns]\njobs = ['nam']", "columns in FILE: no column of jobs 'nam': the nearest known one is 'name'"),
        ("[columns]\njobs = []", "columns in FILE: jobs: needs at least one column, and none of them twice"),
        ("theme = ", "the settings file FILE is not TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(write: Write, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        write(text)
    line = str(caught.value)
    assert line.replace(str(tmp_path / "dashboard.toml"), "FILE").startswith(said)
    assert "\n" not in line


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("JOBWARDEN_TUI_THME", "unknown setting JOBWARDEN_TUI_THME in the environment: .* JOBWARDEN_TUI_THEME"),
        ("JOBWARDEN_TUI_KEYS", "unknown setting JOBWARDEN_TUI_KEYS in the environment"),
        ("JOBWARDEN_TUI_BELL", "bell in JOBWARDEN_TUI_BELL: input should be a valid boolean"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path, variable: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_preferences(tmp_path, {variable: "sometimes"}, tables=lambda: TABLES)


def test_there_are_five_themes_and_one_uses_the_terminal_s_own_colours() -> None:
    assert len(THEMES) == 5
    assert [theme.name for theme in THEMES.values() if theme.ansi] == ["ansi"]
    described = str(Preferences.model_fields["theme"].description)
    assert all(name in described for name in THEMES)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "dashboard.toml").symlink_to("dashboard.toml")
    with pytest.raises(InputError, match="cannot read the settings file"):
        load_preferences(tmp_path, {}, tables=lambda: TABLES)


def test_the_example_in_the_readme_is_valid(write: Write) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert set(write(example).model_fields_set) >= {"theme", "keys"}


async def test_the_chosen_columns_are_those_that_are_shown() -> None:
    preferences = Preferences(columns={"jobs": ("name", "id", "state")})
    app = JobwardenApp(FakeSource, FakeActionClient(), preferences=preferences)
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        strip = app.screen.query_one(JobTable).render_line(0)
        titles = "".join(segment.text for segment in strip).split()
    assert [title.strip("▼▲") for title in titles] == ["NAME", "ID", "STATE"]


def test_every_screen_with_a_list_has_columns_that_can_be_chosen() -> None:
    assert set(TABLES) == {entry.name for entry in SCREENS}


@pytest.mark.parametrize("role", ["panel", "surface", "background"])
def test_the_default_theme_is_calm_with_256_colours_too(role: str) -> None:
    """The colours of large areas become greys there: the next of the cube would be navy."""
    from rich.color import Color, ColorSystem
    from textual.color import Color as Colour

    from jobwarden.tui.theme.themes import DEFAULT, THEMES

    shown = THEMES[DEFAULT].to_color_system().generate()[role]
    number = Color.from_rgb(*Colour.parse(shown).rgb).downgrade(ColorSystem.EIGHT_BIT).number
    assert number == 16 or (number is not None and number >= 232)

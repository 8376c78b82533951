"""Where settings come from, and what is said about wrong ones."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.config.settings import RULES, Settings, describe, hide_password, load_settings
from jobwarden.backend.errors import InputError


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(InputError) as caught:
        load_settings(environ)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults_need_no_environment() -> None:
    settings = load_settings({"HOME": "/home/ann"})
    assert settings.home == Path("/home/ann/.local/state/jobwarden")
    assert settings.database_url is settings.redis_url is None
    assert settings.partitions == ("main",)
    assert min(settings.cpus, settings.memory_mb) >= 1


def test_environment_wins_over_file_wins_over_default(tmp_path: Path) -> None:
    file = write(tmp_path / "c.toml", "lease_seconds = 20\nheartbeat_seconds = 4\n")
    settings = load_settings({"JOBWARDEN_CONFIG": str(file), "JOBWARDEN_LEASE_SECONDS": "30"})
    assert (settings.lease_seconds, settings.heartbeat_seconds, settings.kill_grace_seconds) == (30, 4, 10)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"JOBWARDEN_LEASE_SECONDS": "2"}, "JOBWARDEN_LEASE_SECONDS: must be more than heartbeat_seconds, which is 2 "),
        ({"JOBWARDEN_HEARTBEAT_SECONDS": "10"}, "lease_seconds in default: must be more than heartbeat_seconds"),
    ],
)
def test_a_heartbeat_fits_into_the_lease(given: dict[str, str], named: str) -> None:
    with pytest.raises(InputError, match=named):
        load_settings({"HOME": "/home/ann", **given})


def test_the_file_is_looked_for_in_the_home_then_in_the_configuration_directory(tmp_path: Path) -> None:
    env = {"JOBWARDEN_HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert load_settings(env).node_cpus is None
    write(tmp_path / "config" / "jobwarden" / "jobwarden.toml", "node_cpus = 5")
    assert load_settings(env).node_cpus == 5
    write(tmp_path / "home" / "jobwarden.toml", "node_cpus = 6")
    assert load_settings(env).node_cpus == 6


def test_state_directory_of_the_specification() -> None:
    assert load_settings({"HOME": "/h", "XDG_STATE_HOME": "/s"}).home == Path("/s/jobwarden")
    assert load_settings({"HOME": "/h", "XDG_STATE_HOME": "relative"}).home == Path("/h/.local/state/jobwarden")


def test_the_process_environment_is_the_default_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBWARDEN_NODE_NAME", "here")
    assert load_settings().node_name == "here"
    assert Settings().node_name != "here"  # made directly, nothing is read


def test_empty_variables_count_as_unset() -> None:
    settings = load_settings({"DATABASE_URL": "", "JOBWARDEN_NODE_CPUS": "", "JOBWARDEN_NOPE": ""})
    assert (settings.database_url, settings.node_cpus) == (None, None)


def test_urls_by_either_name() -> None:
    for name in ("DATABASE_URL", "JOBWARDEN_DATABASE_URL"):
        assert load_settings({name: "postgres://u@h/d"}).database_url == "postgresql://u@h/d"


def test_what_jobs_find_in_their_environment_is_no_setting() -> None:
    names = ("JOBWARDEN_JOB_ID", "JOBWARDEN_ALLOCATION_ID", "JOBWARDEN_COOKIE", "JOBWARDEN_NODE")
    load_settings(dict.fromkeys(names, "7"))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("NODE_CPU", "NODE_CPUS"), ("LEASE", "LEASE_SECONDS"), ("HOEM", "HOME"), ("LOGLEVEL", "LOG_LEVEL"), ("X", "")],
)
def test_unknown_variable_names_the_nearest(name: str, nearest: str) -> None:
    line = refusal({f"JOBWARDEN_{name}": "1"})
    assert f"unknown setting JOBWARDEN_{name} in the environment" in line
    assert f"the nearest known one is JOBWARDEN_{nearest}" in line


def test_unknown_key_names_the_file_and_the_nearest(tmp_path: Path) -> None:
    file = write(tmp_path / "c.toml", "kill_grace = 1\n")
    line = refusal({"JOBWARDEN_CONFIG": str(file)})
    assert line == f"unknown setting kill_grace in {file}: the nearest known one is kill_grace_seconds"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NODE_CPUS", "0"), ("NODE_CPUS", "-1"), ("NODE_CPUS", "two"), ("NODE_CPUS", "1.5"), ("NODE_CPUS", "65537"),
        ("NODE_MEMORY_MB", "0"), ("NODE_GPUS", "-1"), ("NODE_NAME", "a b"), ("NODE_NAME", "a/b"), ("NODE_NAME", "a:b"),
        ("PARTITIONS", "a,,b"), ("PARTITIONS", ","), ("LEASE_SECONDS", "0"), ("LEASE_SECONDS", "nan"),
        ("HEARTBEAT_SECONDS", "inf"), ("KILL_GRACE_SECONDS", "-1"), ("DEFAULT_MEMORY_MB", "0"),
        ("DEFAULT_TIME_LIMIT", "0"), ("STARVE_SECONDS", "-1"), ("POLL_SECONDS", "0"), ("LOG_LEVEL", "loud"),
        ("RETENTION_DAYS", "-1"), ("RETENTION_DAYS", "nan"), ("SPOOL_RETENTION_HOURS", "-0.5"),
        ("LOG_LIMIT_MB", "-1"), ("DISK_FREE_PERCENT", "101"),
    ],
)  # fmt: skip
def test_bad_value_names_the_variable_and_the_value(name: str, value: str) -> None:
    line = refusal({f"JOBWARDEN_{name}": value})
    assert line.startswith(f"JOBWARDEN_{name}: ")
    assert value.upper() in line.upper()


def test_bad_value_in_the_file_names_key_and_file(tmp_path: Path) -> None:
    file = write(tmp_path / "c.toml", "node_cpus = 'many'\n")
    assert refusal({"JOBWARDEN_CONFIG": str(file)}).startswith(f"node_cpus in {file}: ")


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "mysql://u:secret@h/d"), ("DATABASE_URL", "secret"), ("DATABASE_URL", "sqlite:///secret"),
        ("REDIS_URL", "http://:secret@h"), ("REDIS_URL", "secret:6379"),
    ],
)  # fmt: skip
def test_a_rejected_url_is_not_repeated(variable: str, url: str) -> None:
    line = refusal({variable: url})
    assert line.startswith(f"{variable}: ")
    assert "secret" not in line


@pytest.mark.parametrize("text", ["node_cpus = \n", "\x00", "[node]\ncpus = 1\n", "home = 1\n"])
def test_files_that_are_not_settings(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "c.toml", text)
    assert str(file) in refusal({"JOBWARDEN_CONFIG": str(file)})


def test_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe")
    assert "is not TOML" in refusal({"JOBWARDEN_CONFIG": str(tmp_path / "c.toml")})


def test_file_that_is_missing_or_a_directory(tmp_path: Path) -> None:
    assert "cannot read the settings file" in refusal({"JOBWARDEN_CONFIG": str(tmp_path / "none")})
    assert "is a directory and no file" in refusal({"JOBWARDEN_CONFIG": str(tmp_path)})


def test_lists_in_both_notations(tmp_path: Path) -> None:
    file = write(tmp_path / "c.toml", "partitions = ['a', 'b']\n")
    assert load_settings({"JOBWARDEN_CONFIG": str(file)}).partitions == ("a", "b")
    assert load_settings({"JOBWARDEN_PARTITIONS": " a, b ,a"}).partitions == ("a", "b")


def test_paths_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    assert load_settings({"JOBWARDEN_HOME": "here"}).home == tmp_path / "here"
    assert load_settings({"JOBWARDEN_HOME": "~/there"}).home == Path("/home/ann/there")


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().node_cpus = 3  # type: ignore[misc]


def test_passwords_are_never_printed() -> None:
    settings = load_settings({"DATABASE_URL": "postgresql://u:secret@h/d", "REDIS_URL": "redis://:secret@h"})
    assert "secret" not in f"{settings} {settings!r} {describe(settings)}"


def test_every_setting_says_what_it_is_and_where_it_came_from(tmp_path: Path) -> None:
    file = write(tmp_path / "c.toml", "node_cpus = 3\n")
    lines = {
        line.name: line for line in describe(load_settings({"JOBWARDEN_CONFIG": str(file), "JOBWARDEN_NODE_GPUS": "1"}))
    }
    assert set(lines) == set(RULES)
    assert all(line.doc for line in lines.values())
    assert (lines["node_cpus"].value, lines["node_cpus"].origin) == (3, str(file))
    assert lines["node_gpus"].origin == "JOBWARDEN_NODE_GPUS"
    assert lines["lease_seconds"].origin == "default"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@h:1/d", "postgresql://u:***@h:1/d"),
        ("postgresql://u:p@p:x@h/d", "postgresql://u:***@h/d"),
        ("redis://:p@h", "redis://:***@h"),
        ("postgresql://u@/d?host=/s&password=p&x=1", "postgresql://u@/d?host=/s&password=***&x=1"),
        ("unix:///a%20b?db=0", "unix:///a%20b?db=0"),
        ("redis://h:6379/0", "redis://h:6379/0"),
    ],
)
def test_hide_password(url: str, shown: str) -> None:
    assert hide_password(url) == shown


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="/?#"), min_size=4))
def test_no_password_survives_hiding(password: str) -> None:
    marked = f"0xDEAD{password}0xBEEF"
    shown = hide_password(f"postgresql://user:{marked}@host/database")
    assert shown == "postgresql://user:***@host/database"


def test_importing_settings_stays_light() -> None:
    names = ("sqlalchemy", "pydantic", "textual", "rq", "redis", "psycopg2", "click")
    code = f"import sys, jobwarden.backend.config.settings; print([m for m in {names} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_dashboard_checks_its_own_variables(tmp_path: Path) -> None:
    assert load_settings({"JOBWARDEN_HOME": str(tmp_path), "JOBWARDEN_TUI_THEME": "nord"}).home == tmp_path


def test_a_number_of_more_than_64_bits_is_no_setting(tmp_path: Path) -> None:
    """TOML asks readers to refuse it, and Python cannot even show one this large."""
    file = tmp_path / "jobwarden.toml"
    file.write_text(f"node_cpus = [[0x{'f' * 5000}]]\n")
    with pytest.raises(InputError, match="number of more than 64 bits"):
        load_settings({"JOBWARDEN_CONFIG": str(file), "HOME": str(tmp_path)})


@pytest.mark.parametrize("home", ["x" * 256, "x/" * 2001, "\udcff" * 256])
def test_a_home_that_no_file_system_takes(home: str) -> None:
    with pytest.raises(InputError, match="is too long: a name has at most 255 bytes, a path 4000"):
        load_settings({"JOBWARDEN_HOME": f"/{home}"})


@pytest.mark.parametrize("home", ["~nosuch", "~\ud800", "~\0"])
def test_a_home_of_a_user_who_cannot_be(home: str) -> None:
    with pytest.raises(InputError, match="no home directory of that user"):
        load_settings({"JOBWARDEN_HOME": home})


def test_a_home_of_the_longest_name_is_taken() -> None:
    assert load_settings({"JOBWARDEN_HOME": "/" + "x" * 255}).home.name == "x" * 255

"""Configuration, environment and remembered views that somebody has rigged: one line, never a traceback or a wait."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobwarden.backend.errors import InputError
from jobwarden.tui.config.preferences import load_preferences
from jobwarden.tui.config.state import State
from tests.support.cli import COMMAND, clean_environment
from tests.support.ordinary import run_python

NO_LOGIN = 54321
"""A user id without an entry in passwd."""

ENTRIES = [
    [str(COMMAND), "config"],
    [str(COMMAND), "worker"],
    [str(COMMAND), "tui"],
    [sys.executable, "-m", "jobwarden", "jobs"],
    [sys.executable, "-m", "jobwarden", "worker"],
]
BAD_FILES: dict[str, bytes] = {
    "deep": b"home = " + b"[" * 60_000,
    "deep table": b"a." * 3_000 + b"b = 1\n",
    "deep but valid": b"partitions = " + b"[" * 150 + b"]" * 150,
    "huge": b"# " + b"x" * (2 << 20),
    "huge number": b"node_cpus = " + b"9" * 60_000,
    "huge key": b"k" * 60_000 + b" = 1\n",
    "NUL": b'home = "/tmp/a\\u0000b"\n',
    "NUL in text": b"home = '\x00'\n",
    "surrogate": b'home = "\\ud800"\n',
    "not UTF-8": b'home = "\xff\xfe"\n',
    "unknown user": b'home = "~nosuch/x"\n',
    "broken webhook": b'alert_webhook = "http://[::1"\n',
    "empty command": b'alert_command = ""\n',
}


def one_line(command: list[str], *codes: int, **env: str) -> str:
    """The only line that ``command`` says."""
    done = subprocess.run(
        command, env=clean_environment(**env), capture_output=True, text=True, timeout=60, check=False,
        stdin=subprocess.DEVNULL, errors="replace", cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stderr.count("\n") == 1, done.stderr[-2000:]
    assert done.stderr.startswith("jobwarden: ")
    assert len(done.stderr) < 700
    assert done.returncode in (codes or (2,)), done.stderr
    return done.stderr


@pytest.mark.attempt("settings files that no parser survives", fault=14)
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_rigged_settings_file_breaks_the_command(name: str, tmp_path: Path) -> None:
    """A file that is nested too deeply, too large, or holds what no path and no text can be."""
    file = tmp_path / "jobwarden.toml"
    file.write_bytes(BAD_FILES[name])
    one_line(ENTRIES[0], JOBWARDEN_CONFIG=str(file))


@pytest.mark.attempt("settings file that is no file", fault=14)
@pytest.mark.parametrize("command", ENTRIES, ids=lambda words: words[-1])
def test_a_fifo_in_place_of_the_settings_hangs_the_command(command: list[str], tmp_path: Path) -> None:
    """Opening a FIFO that nobody writes to would wait for ever."""
    os.mkfifo(tmp_path / "jobwarden.toml")
    assert "is a FIFO and no file" in one_line(command, JOBWARDEN_HOME=str(tmp_path))


@pytest.mark.attempt("settings file that is no file", fault=14)
@pytest.mark.parametrize("path", ["/", "/dev/zero", "/dev/tty", "/nonexistent", "/proc/self/mem", "/etc/passwd/x"])
def test_the_settings_are_a_directory_or_a_device(path: str) -> None:
    """A device would be read without end, or do something when it is opened."""
    one_line(ENTRIES[0], JOBWARDEN_CONFIG=path)


@pytest.mark.attempt("home of an unknown user", fault=14)
@pytest.mark.parametrize("command", ENTRIES, ids=lambda words: words[-1])
def test_the_home_of_an_unknown_user(command: list[str]) -> None:
    """``~nosuch`` cannot be expanded, and the handler of errors loads the settings again."""
    assert "~nosuch/x" in one_line(command, JOBWARDEN_HOME="~nosuch/x")


@pytest.mark.attempt("completion with a rigged environment", fault=14)
def test_completion_prints_a_traceback_into_the_shell(tmp_path: Path) -> None:
    """TAB behind a command whose settings are wrong."""
    os.mkfifo(tmp_path / "jobwarden.toml")
    env = clean_environment(
        JOBWARDEN_HOME=str(tmp_path), _JOBWARDEN_COMPLETE="bash_complete", COMP_WORDS="jobwarden show ", COMP_CWORD="2"
    )
    done = subprocess.run([COMMAND], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.attempt("no passwd entry and no HOME", fault=14)
def test_a_user_without_passwd_entry_and_home_sees_a_traceback() -> None:
    """As in a container that runs as any number."""
    code = (
        "import os, sys\ndel os.environ['HOME']\n"
        "from jobwarden.backend.cli.main import run\nsys.exit(run(sys.argv[1:]))"
    )
    for words in (["config"], ["up", "--no-tui"], ["jobs"]):
        done = run_python(code, *words, uid=NO_LOGIN)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert "set JOBWARDEN_HOME" in done.stderr
    done = run_python(code, "config", uid=NO_LOGIN, JOBWARDEN_HOME="/nonexistent/home")
    assert done.returncode == 0, done.stderr


def _nested(depth: int) -> bytes:
    return b'{"jobs": {"filter": ' + b"[" * depth + b"]" * depth + b"}}"


@pytest.mark.attempt("deep or surrogate state.json", fault=0)
@pytest.mark.parametrize(
    "content",
    [
        *(_nested(depth) for depth in (50, 900, 100_000)), b'{"jobs": {"filter": "\\ud800"}}',
        b'{"\\udfff": {"a": 1}}', b'{"jobs": {"filter": 1e999}}', b'{"jobs": {"filter": ' + b"9" * 50_000 + b"}}",
    ],
    ids=["50", "900", "100000", "surrogate", "surrogate key", "infinity", "digits"],
)  # fmt: skip
def test_a_rigged_state_breaks_the_dashboard(content: bytes, tmp_path: Path) -> None:
    """Views that JSON can say and Python cannot hold, or cannot write again."""
    path = tmp_path / "tui" / "state.json"
    path.parent.mkdir()
    path.write_bytes(content)
    state = State.of_home(tmp_path)
    assert "damaged" in state.notice
    state.put("jobs", "sort", "id \ud800")
    state.save()
    assert json.loads(path.read_text()) == {"jobs": {"sort": "id ?"}}


@pytest.mark.attempt("state.json that is no file", fault=0)
@pytest.mark.parametrize(
    "make",
    [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.write_bytes(b" " * 3_000_000)],
)  # fmt: skip
def test_a_state_that_is_no_file_hangs_the_dashboard(make: Callable[[Path], object], tmp_path: Path) -> None:
    """A FIFO, a directory, a link to a device and a file without end: one notice each."""
    path = tmp_path / "tui" / "state.json"
    path.parent.mkdir()
    make(path)
    state = State.of_home(tmp_path)
    assert "not used" in state.notice
    state.put("jobs", "filter", "x")
    assert state.get("jobs", "filter", "") == "x"


@pytest.mark.attempt("rigged dashboard.toml", fault=14)
@pytest.mark.parametrize("name", [name for name in BAD_FILES if "home" not in BAD_FILES[name][:4].decode("latin-1")])
def test_a_rigged_key_map_breaks_the_dashboard(name: str, tmp_path: Path) -> None:
    """The dashboard's own file, read by the same hand."""
    (tmp_path / "dashboard.toml").write_bytes(BAD_FILES[name])
    with pytest.raises(InputError) as caught:
        load_preferences(tmp_path, {}, tables=dict)
    assert "\n" not in str(caught.value)

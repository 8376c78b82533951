"""Whatever is typed, there is an answer in one line and never a traceback."""

from __future__ import annotations

import io
import shlex
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as searching
from hypothesis import strategies as st

from jobwarden.backend.cli.main import VERBS, run
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.domain.directives import parse_directives
from jobwarden.backend.domain.filters.jobs import FIELDS, parse_filter
from jobwarden.backend.domain.options import OPTION_NAMES, Options, build_request
from jobwarden.backend.domain.script import check_script
from jobwarden.backend.errors import InputError
from jobwarden.backend.queries import jobs
from jobwarden.backend.state import machine
from tests.fuzz.commands import told
from tests.fuzz.run import try_target
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

SEED = 20260314
INPUTS = 300
"""For each target; `make fuzz` gives many more."""

SLOW_IS_FINE = searching(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    database=None,
)
STARTING = {"up", "worker", "tui", "metrics", "health"}
"""Verbs that stay when their arguments are right, and the one whose exit code 2 is an answer."""

anything = st.text(max_size=30) | st.sampled_from(
    ["", "0", "-1", "99999999999999999999", "1e3", "\x1b[2J", "[bold]", "é"]
)
numbers = st.integers().map(str)
values = anything | numbers | st.sampled_from(["10m", "2G", "1:30:00", "unlimited", "main", "A=B", "=", "'", '"'])
options = st.sampled_from(
    [
        *(f"--{name}" for name in OPTION_NAMES),
        "--json",
        "--yes",
        "--dry-run",
        "--reason",
        "--tail",
        "-f",
        "--force",
        "--",
    ]
)
arguments = st.lists(options | values | st.builds("{}={}".format, options, values), max_size=6)

field_names = st.sampled_from(sorted(FIELDS)) | anything
operators = st.sampled_from([":", "=", "!=", ">", "<", ">=", "<=", "::", ":!", ""])
terms = st.builds("{}{}{}{}".format, st.sampled_from(["", "!", "!!"]), field_names, operators, values)
filters = st.lists(terms, max_size=5).map(" ".join) | anything


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_targets(target: Target) -> None:
    """The first inputs of a fixed seed: nothing undeclared is raised, nothing takes long, nothing takes much memory."""
    findings = try_target(target, SEED, range(round(INPUTS * target.share)))
    assert not findings, "\n".join(map(str, findings))


def test_a_bad_target_is_found_and_its_input_shrunk() -> None:
    """What the other tests rely on: each way to go wrong is seen, and the first input of each kind is named."""
    assert _found(lambda text, _: int("²" * ("a" in text) or 0)) == [("ValueError", "a")]
    assert [why for why, _ in _found(_busy)] == ["more than 1 s of work"]
    assert [why.split()[1:] for why, _ in _found(_greedy)] == [["MB", "of", "memory"]]


def _found(give: Callable[[str, Path], object]) -> list[tuple[str, object]]:
    target = Target("bad", lambda maker: "bab", lambda made, folder: (give(made, folder), None)[1])
    return [
        (finding.why.splitlines()[0].split(":")[0].removesuffix(" at"), finding.made)
        for finding in try_target(target, 1, range(2))
    ]


def _busy(_text: str, _folder: Path) -> None:
    while True:
        hash("x")


def _greedy(_text: str, _folder: Path) -> None:
    bytearray(b"x" * (150 << 20))


@pytest.mark.usefixtures("engine")
def test_command_lines_of_a_running_installation(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any words behind any verb, with a database and a queue that answer."""
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("JOBWARDEN_HOME", settings.home), ("DATABASE_URL", settings.database_url), ("REDIS_URL", settings.redis_url),
        ("JOBWARDEN_NODE_NAME", "node1"), ("HOME", tmp_path),
    ):  # fmt: skip
        monkeypatch.setenv(name, str(value))
    (target,) = (target for target in TARGETS if target.name == "command line")
    for number in range(60):
        told(target.input(SEED, number))


def one_line(error: InputError) -> None:
    assert str(error).strip()
    assert len(str(error)) < 2000


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home where nothing was ever started, and an empty directory to stand in."""
    monkeypatch.setenv("JOBWARDEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@SLOW_IS_FINE
@given(verb=st.sampled_from(sorted(set(VERBS) - STARTING)) | anything, rest=arguments)
@example(verb="submit", rest=["\0"])
@example(verb="jobs", rest=["state:"])
@example(verb="logs", rest=["--tail", "-1", "1"])
def test_command_lines(nowhere: Path, verb: str, rest: list[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run([verb, *rest])
    said = err.getvalue()
    assert code in (0, 1, 2)
    assert "Traceback" not in said and "internal error" not in said
    assert not (nowhere / "home" / "log" / "cli.log").exists()
    if code == 2 and not said.startswith("Usage"):
        assert said.startswith("jobwarden: ")
    assert "\x1b" not in said
    if code:
        assert said.count("\n") <= 1 or said.startswith("Usage"), said


@searching(SLOW_IS_FINE, max_examples=500)
@given(typed=filters)
@example(typed="exit!=")
@example(typed="age>99999999999d")
@example(typed='"')
def test_filters(typed: str) -> None:
    try:
        parse_filter(typed)
    except InputError as error:
        one_line(error)


@SLOW_IS_FINE
@given(typed=filters)
@example(typed="\0")
@example(typed="name:\ud800")
@example(typed="id:9223372036854775808")
@example(typed="exit=99999999999")
def test_filters_that_parse_run_in_postgresql(engine: Engine, typed: str) -> None:
    try:
        query = jobs.compile_filter(typed)
    except InputError as error:
        one_line(error)
        return
    with engine.connect() as conn:
        assert jobs.read_page(conn, query, limit=5).rows == ()


words = values | st.sampled_from([f"--{name}" for name in OPTION_NAMES]) | values.map(shlex.quote)
lines = st.builds(
    "#JOBWARDEN{}{}".format, st.sampled_from([" ", "\t", "", "  --"]), st.lists(words, max_size=5).map(" ".join)
)
scripts = st.lists(lines | anything, max_size=5).map("\n".join)


@searching(SLOW_IS_FINE, max_examples=500)
@given(script=scripts)
@example(script="#JOBWARDEN --time")
@example(script="#JOBWARDEN --env 'A=B")
def test_directives(script: str) -> None:
    try:
        parse_directives(script)
    except InputError as error:
        one_line(error)


@SLOW_IS_FINE
@given(data=st.binary(max_size=80) | scripts.map(lambda text: text.encode(errors="surrogatepass")), name=values)
def test_what_is_accepted_can_be_stored(engine: Engine, tmp_path: Path, data: bytes, name: str) -> None:
    """A script and a name that pass the checks are taken by the database as they are."""
    try:
        script = check_script(data)
        asked = Options(name=name, work_dir=str(tmp_path)).over(parse_directives(script))
        request = build_request(script, [name], asked, account="fuzz", memory_mb=1, time_limit=None)
    except InputError as error:
        one_line(error)
        return
    with engine.begin() as conn:
        [job_id] = machine.submit(conn, [request], "fuzz@here")
        assert jobs.read_jobs(conn, [job_id])[0].name == request.name

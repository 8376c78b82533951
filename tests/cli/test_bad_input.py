"""Bad input gets one line and exit code 2, and changes nothing."""

from pathlib import Path

import click
import pytest

from jobwarden.backend.cli.main import VERBS, run
from jobwarden.backend.cli.main import cli as cli_of_all
from jobwarden.backend.database.driver import Engine, text
from tests.support.cli import Cli, Completed

SCRIPTS: dict[str, bytes] = {
    "good.sh": b"#!/bin/sh\necho ok\n",
    "empty.sh": b"",
    "nul.sh": b"#!/bin/sh\necho \0\n",
    "crlf.sh": b"#!/bin/sh\r\necho\r\n",
    "latin.sh": b"#!/bin/sh\necho \xe9\n",
    "option.sh": b"#!/bin/sh\n#JOBWARDEN --cpu 2\necho\n",
    "value.sh": b"#!/bin/sh\n#JOBWARDEN --cpus none\necho\n",
}

BAD: dict[str, tuple[list[str], str]] = {
    "missing script": (["submit", "none.sh"], "none.sh: no such file"),
    "directory": (["submit", "."], "is a directory"),
    "empty script": (["submit", "empty.sh"], "empty script"),
    "NUL": (["submit", "nul.sh"], "NUL"),
    "CRLF": (["submit", "crlf.sh"], "CRLF"),
    "not UTF-8": (["submit", "latin.sh"], "line 2 is not UTF-8"),
    "unknown option in the script": (["submit", "option.sh"], "line 2: unknown option '--cpu': did you mean --cpus?"),
    "bad value in the script": (["submit", "value.sh"], "line 2: --cpus: 'none' is not a whole number"),
    "zero cpus": (["submit", "--cpus", "0", "good.sh"], "--cpus: 0 is out of range"),
    "negative cpus": (["submit", "--cpus", "-1", "good.sh"], "--cpus: -1 is out of range"),
    "absurd cpus": (["submit", "--cpus", "1000000000000", "good.sh"], "out of range"),
    "zero memory": (["submit", "--memory", "0", "good.sh"], "--memory"),
    "absurd memory": (["submit", "--memory", "99999999T", "good.sh"], "--memory"),
    "no memory": (["submit", "--memory", "lots", "good.sh"], "not an amount of memory"),
    "zero time": (["submit", "--time", "0", "good.sh"], "--time"),
    "negative time": (["submit", "--time", "-5", "good.sh"], "not a length of time"),
    "absurd time": (["submit", "--time", "99999d", "good.sh"], "--time"),
    "negative gpus": (["submit", "--gpus", "-1", "good.sh"], "--gpus"),
    "no work dir": (["submit", "--work-dir", "none", "good.sh"], "does not exist"),
    "work dir is a file": (["submit", "--work-dir", "good.sh", "good.sh"], "not a directory"),
    "variable not set": (["submit", "--env", "NOT_SET_HERE", "good.sh"], "is not set here"),
    "control characters": (["submit", "--name", "a\x1b[2Jb", "good.sh"], "control characters"),
    "missing argument": (["submit"], "name the script to submit"),
    "unknown option": (["submit", "--cpu", "2", "good.sh"], "--cpu"),
    "unknown verb": (["jbos"], "did you mean jobs?"),
    "id is no number": (["show", "abc"], "not a job id"),
    "negative id": (["logs", "1.5"], "not a job id"),
    "no such job": (["show", "4711"], "there is no job 4711"),
    "no such job's log": (["logs", "4711"], "there is no job 4711"),
    "one of two does not exist": (["cancel", "1", "4711"], "there is no job 4711"),
    "one of two is no number": (["hold", "1", "x"], "not a job id"),
    "no such job's events": (["events", "--job", "4711"], "there is no job"),
    "bad filter": (["jobs", "sttae:failed"], "did you mean state? (column 1: 'sttae:failed')"),
    "bad filter value": (["jobs", "age>soon"], "not a length of time"),
    "bad limit": (["jobs", "--limit", "-1"], "--limit"),
    "bad priority": (["priority", "1", "--to", "high"], "not a whole number"),
    "no such node": (["drain", "nowhere"], "there is no node"),
    "no id": (["cancel"], "no jobs given"),
    "a slip in an id is no search": (["kill", "1", "1x"], "not a job id"),
    "a bare word is no filter": (["kill", "state:pending", "train"], "is neither an id nor a field"),
    "an empty filter is not every job": (["kill", "--filter", " "], "empty"),
    "two filters": (["kill", "state:failed", "--filter", "name:x"], "one"),
    "a wrong field": (["kill", "stat:failed"], "did you mean state"),
}


@pytest.fixture
def here(cli: Cli, engine: Engine) -> Cli:
    """Scripts, and one waiting job with id 1."""
    for name, data in SCRIPTS.items():
        (cli.cwd / name).write_bytes(data)
    assert cli("submit", "good.sh").out == "1\n"
    return cli


def rows(engine: Engine) -> tuple[int, ...]:
    with engine.connect() as conn:
        counts = conn.execute(text("SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM events)")).one()
        return tuple(counts)


def one_line(done: Completed, words: str) -> None:
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1, done.err
    assert done.err.startswith("jobwarden: ")
    assert words in done.err


def test_one_line_exit_code_2_and_nothing_changed(
    here: Cli, engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In this process, because starting dozens of interpreters shows nothing more; see below for the real thing."""
    for name in ("DATABASE_URL", "REDIS_URL", "JOBWARDEN_HOME", "JOBWARDEN_NODE_NAME", "HOME"):
        monkeypatch.setenv(name, here.env[name])
    monkeypatch.chdir(here.cwd)
    before = rows(engine)
    for case, (args, words) in BAD.items():
        capfd.readouterr()
        code = run(args)
        said = capfd.readouterr()
        one_line(Completed(code, said.out, said.err), words)
        assert rows(engine) == before, case


@pytest.mark.parametrize("case", ["missing script", "unknown option in the script", "bad filter", "no such job"])
def test_the_installed_command_does_the_same(here: Cli, case: str) -> None:
    args, words = BAD[case]
    one_line(here(*args), words)


def numbers() -> list[tuple[str, str]]:
    """Every verb with an option that takes a number."""
    commands = ((verb, cli_of_all.get_command(click.Context(cli_of_all), verb)) for verb in VERBS)
    return [
        (verb, parameter.opts[0])
        for verb, command in commands
        if command is not None
        for parameter in command.params
        if isinstance(parameter.type, click.types.IntParamType) and not getattr(parameter, "hidden", False)
    ]


@pytest.mark.parametrize(("verb", "option"), numbers())
@pytest.mark.parametrize("number", ["9" * 30, str(2**31), str(2**63)])
def test_a_number_that_nothing_counts_up_to(here: Cli, verb: str, option: str, number: str) -> None:
    one_line(here(verb, *(["1"] if verb == "logs" else []), option, number), option)


def test_unreachable_database(cli: Cli) -> None:
    for verb in (["jobs"], ["submit", "good.sh"], ["db", "current"]):
        (cli.cwd / "good.sh").write_text("true\n")
        done = cli(*verb, DATABASE_URL="postgresql://me:sesame@127.0.0.1:1/db")
        one_line(done, "127.0.0.1")
        assert "sesame" not in done.err


def test_a_url_that_is_none(cli: Cli) -> None:
    one_line(cli("jobs", DATABASE_URL="mysql://me:sesame@host/db"), "DATABASE_URL")


def test_unknown_setting(cli: Cli) -> None:
    one_line(cli("jobs", JOBWARDEN_LEASE_SECOND="3"), "JOBWARDEN_LEASE_SECONDS")


def test_database_without_our_schema(cli: Cli, empty_database_url: str) -> None:
    done = cli("jobs", DATABASE_URL=empty_database_url)
    assert (done.code, done.out) == (1, "")
    assert "jobwarden db upgrade" in done.err


def test_an_installation_that_is_down(cli: Cli) -> None:
    env = {name: value for name, value in cli.env.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    done = Cli(env, cli.cwd)("jobs")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "jobwarden up" in done.err


def test_undecodable_arguments(cli: Cli) -> None:
    one_line(cli("submit", "\udcff.sh"), "no such file")
    (cli.cwd / "a.sh").write_text("true\n")
    one_line(cli("submit", "a.sh", "\udcff"), "UTF-8")


def test_a_mistake_of_ours_is_one_line_and_a_log(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret\nsecond line")

    monkeypatch.setenv("JOBWARDEN_HOME", cli.env["JOBWARDEN_HOME"])
    monkeypatch.setattr("jobwarden.backend.cli.commands.info.load_settings", broken)
    assert run(["config"]) == 1
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    log = Path(cli.env["JOBWARDEN_HOME"], "log", "cli.log")
    assert str(log) in err
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    assert f"Example: jobwarden {verb}" in " ".join(capfd.readouterr().out.split())

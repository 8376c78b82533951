"""``submit --from`` and submit_jobs: many requests at once, all of them or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobwarden.backend import api
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.errors import InputError
from tests.support.cli import Cli


def lines(*items: object) -> str:
    return "".join(f"{json.dumps(item)}\n" for item in items)


def jobs(engine: Engine) -> list[Any]:
    with engine.connect() as conn:
        return conn.execute(text("SELECT * FROM jobs ORDER BY id")).all()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.sh"
    path.write_text("#!/bin/sh\n#JOBWARDEN --cpus 3 --priority 7\necho $1\n")
    return path


def test_every_line_is_a_job_in_the_words_of_the_options(cli: Cli, engine: Engine, script: Path) -> None:
    given = lines(
        {"script": str(script), "arguments": ["7"], "memory": "2G", "time": "10m", "env": {"SEED": "7"}, "cpus": 2},
        {"text": "echo b\n", "name": "b", "hold": True, "memory": 5, "work_dir": "/"},
    )
    done = cli("submit", "--from", "-", "--account", "lab", input=f"{given}\n")
    first, second = jobs(engine)
    assert done.out == f"{first.id}\n{second.id}\n"
    assert (first.name, first.arguments, first.memory_mb, first.time_limit) == ("train.sh", ["7"], 2048, 600)
    assert (first.cpus, first.priority, first.environment["SEED"]) == (2, 7, "7")
    assert first.environment["JOBWARDEN_SCRIPT"] == str(script)
    assert (second.name, second.script, second.held, second.memory_mb) == ("b", "echo b\n", True, 5)
    assert (second.work_dir, first.account, second.account) == ("/", "lab", "lab")


def test_what_is_typed_wins_over_the_lines(cli: Cli, engine: Engine) -> None:
    cli("submit", "--priority", 9, "--hold", "--from", "-", input=lines({"text": "true\n", "priority": 1}))
    assert [(job.priority, job.held) for job in jobs(engine)] == [(9, True)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("7", "a request is an object"),
        ("{}", "one of the two"),
        ('{"text": "true", "script": "x"}', "one of the two"),
        ('{"text": "true", "cpu": 1}', "'cpu' is no word of a request"),
        ('{"text": "true", "cpus": 0}', "--cpus"),
        ('{"text": "true", "cpus": true}', "cpus: 'True' is not a whole number"),
        ('{"text": "true", "cpus": 1.5}', "cpus: '1.5' is not a whole number"),
        ('{"text": "true", "name": 7}', "name: '7' is not text"),
        ('{"text": "true", "env": {"A": 1}}', "env must be an object of texts"),
        ('{"text": "true", "arguments": "x"}', "arguments must be a list of texts"),
        ('{"text": "true", "hold": "yes"}', "hold must be true or false"),
        ('{"text": "true", "memory": "lots"}', "--memory"),
        ('{"text": "true", "partition": "nope", "name": "\\u0000"}', "NUL"),
        ('{"text": " "}', "empty script"),
        ('{"text": "a\\ud800"}', "not UTF-8"),
        ('{"text": 7}', "text must be text"),
        ('{"script": "/nowhere/x.sh"}', "no such file"),
        ('{"script": "-"}', "standard input is no script here"),
        ('{"text": "true", "work_dir": "/nowhere"}', "does not exist"),
    ],
)
def test_one_wrong_line_submits_nothing(cli: Cli, engine: Engine, line: str, why: str) -> None:
    good = lines({"text": "true\n"})
    done = cli("submit", "--from", "-", input=f"{good}{line}\n{good}")
    assert (done.code, done.out) == (2, "") and "line 2: " in done.err and why in done.err, done
    assert done.err.count("\n") == 1
    assert jobs(engine) == []


@pytest.mark.parametrize(
    "args",
    [("--from", "-", "x.sh"), ("--wait", "--from", "-"), (), ("--from", "/nowhere/file"), ("--from", "/")],
    ids=["a script too", "waiting", "nothing", "no such file", "a directory"],
)
def test_what_does_not_go_together_is_refused(cli: Cli, engine: Engine, args: tuple[str, ...]) -> None:
    done = cli("submit", *args, input=lines({"text": "true\n"}))
    assert (done.code, done.err.count("\n")) == (2, 1), done
    assert jobs(engine) == []


def test_nothing_submits_nothing(cli: Cli, engine: Engine) -> None:
    assert cli("submit", "--from", "-", input="\n").out == ""
    assert jobs(engine) == []


def test_thousands_are_one_transaction_with_an_event_each(
    cli: Cli, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cli.env.items():
        if name in ("DATABASE_URL", "REDIS_URL", "JOBWARDEN_HOME"):
            monkeypatch.setenv(name, value)
    ids = api.submit_jobs({"text": "true\n", "name": f"n{number}", "work_dir": "/"} for number in range(4500))
    assert [job.name for job in jobs(engine)] == [f"n{number}" for number in range(4500)]
    assert ids == [job.id for job in jobs(engine)]
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM events WHERE action = 'submit'")) == 4500
        assert conn.scalar(text("SELECT count(DISTINCT xmin::text) FROM jobs")) == 1
    with pytest.raises(InputError, match="request 2: "):
        api.submit_jobs([{"text": "true\n"}, {"text": "true\n", "cpus": 0}])
    assert len(jobs(engine)) == 4500

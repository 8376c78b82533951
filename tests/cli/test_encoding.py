"""An output that cannot show a character shows another in its place: it ends no listing, and changes no file."""

import json
from collections.abc import Iterator

import pytest

from benchmarks.terminal import Terminal
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from tests.support.cli import Cli
from tests.support.scene import Scene, scene

NAME = "日本 – …"
LISTINGS = (
    ("jobs",), ("jobs", f"name:{NAME}"), ("show", "{id}"), ("events",), ("events", "{id}"), ("logs", "{id}"),
    ("logs", "--tail", "1", "{id}"), ("orphans",), ("workers",), ("alerts",), ("users",), ("health",), ("config",),
    ("metrics",), ("kill", "--dry-run", "{id}"), ("clean", "--dry-run"), ("cleanup", "--dry-run"), ("--help",),
    ("priority", "5", "{id}"), ("show", NAME), (NAME,), ("submit", NAME), ("completion", "bash"), ("db", "status"),
)  # fmt: skip

NARROW = ("jobs", "workers", "config", "logs", "show")
"""Verbs that end what is too long for a terminal in an ellipsis, or print what a job wrote."""


@pytest.fixture
def stage(engine: Engine, settings: Settings, mark: str) -> Iterator[Scene]:
    with scene(engine, settings, mark) as made:
        yield made


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_every_listing_comes_to_its_end(cli: Cli, stage: Scene, encoding: str) -> None:
    worker = stage.worker(alive=True)
    job = stage.run(worker, f"echo '{NAME}'; exec sleep 600\n", name=NAME)
    job.said(NAME)
    for listing in LISTINGS:
        words = [word.format(id=job.id) for word in listing]
        done = cli(*words, PYTHONIOENCODING=encoding)
        assert "internal error" not in done.err, (listing, done.err)
        assert done.out or done.err, listing
        if listing == ("jobs",):
            assert done.out.splitlines()[1].split()[0] == str(job.id), done.out
        if listing[0] not in NARROW:
            continue
        with Terminal(cli.command(*words), {**cli.env, "PYTHONIOENCODING": encoding}, columns=60) as terminal:
            terminal.wait()
            assert b"internal error" not in terminal.output, listing


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_job_is_submitted_with_any_name(cli: Cli, encoding: str) -> None:
    done = cli("submit", "--name", NAME, "-", input="true\n", PYTHONIOENCODING=encoding)
    assert (done.code, done.err) == (0, "")
    [job] = json.loads(cli("jobs", "--json", PYTHONIOENCODING=encoding).out)
    assert job["name"] == NAME


def test_what_cannot_be_shown_is_a_question_mark(cli: Cli) -> None:
    cli("submit", "--name", NAME, "-", input="true\n")
    assert "?? ? ?" in cli("jobs", PYTHONIOENCODING="latin-1").out
    assert NAME in cli("jobs", PYTHONIOENCODING="utf-8").out

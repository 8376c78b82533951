"""The catalogue as data, and the scripts without any server."""

import ast
import os
import subprocess

import pytest

from jobwarden.backend.demo import catalog

ENTRIES = (*catalog.ORDINARY, *catalog.ABANDONED)


def test_a_few_dozen_jobs_of_mixed_kinds() -> None:
    jobs = catalog.requests(catalog.ORDINARY, partition="main", cpus=2)
    assert 24 <= len(jobs) <= 60
    assert {job.account for job in jobs} == {catalog.ACCOUNT}
    assert any(job.held for job in jobs)
    assert any(job.time_limit for job in jobs)
    assert any(job.arguments for job in jobs)
    assert any(job.script.startswith("#!/usr/bin/env python3") for job in jobs)


def test_one_job_asks_for_the_whole_node_and_one_for_more() -> None:
    jobs = catalog.requests(catalog.ORDINARY, partition="main", cpus=7)
    assert [job.cpus for job in jobs if job.name == "whole node"] == [7]
    assert max(job.cpus for job in jobs) > 256


def test_every_script_of_the_package_is_used() -> None:
    assert {entry.script for entry in ENTRIES} == {path.name for path in catalog.SCRIPTS.iterdir() if path.is_file()}


@pytest.mark.parametrize("name", sorted({entry.script for entry in ENTRIES}))
def test_scripts_parse_and_say_what_they_show(name: str) -> None:
    text = (catalog.SCRIPTS / name).read_text("utf-8")
    first, second = text.splitlines()[:2]
    assert first.startswith("#!")
    assert second.startswith(('"""', "# "))
    if name.endswith(".py"):
        assert ast.get_docstring(ast.parse(text))
    elif first == "#!/bin/sh":
        assert subprocess.run(["/bin/sh", "-n", catalog.SCRIPTS / name], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "arguments", "status", "said"),
    [
        ("checksums.sh", ["[s]h*"], 0, "/usr/bin/"),
        ("backup.sh", ["/mnt/tape"], 3, "/mnt/tape is not mounted"),
        ("greet.py", ["two words", "a\nb"], 0, r"argument 2: 'a\nb'"),
        ("crash.sh", [], -11, "loading"),
        ("chatty.sh", ["1"], 0, "round 1, line 50"),
        ("import_orders.py", [], 1, "KeyError"),
    ],
)
def test_scripts_do_what_they_say(name: str, arguments: list[str], status: int, said: str) -> None:
    python = ["python3"] if name.endswith(".py") else ["/bin/sh"]
    done = subprocess.run(
        [*python, str(catalog.SCRIPTS / name), *arguments],
        env={**os.environ, "GREETING": "hello"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == status
    assert said in done.stdout


def test_the_finisher_waits_for_its_worker() -> None:
    with subprocess.Popen(["sleep", "60"]) as worker:
        script = ["/bin/sh", str(catalog.SCRIPTS / "finisher.sh")]
        with subprocess.Popen(script, env={**os.environ, "DEMO_WORKER": str(worker.pid)}) as job:
            with pytest.raises(subprocess.TimeoutExpired):
                job.wait(0.3)
            worker.kill()
            worker.wait()
            assert job.wait(20) == 0

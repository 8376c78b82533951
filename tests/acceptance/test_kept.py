"""A worker is killed under its job and replaced by a real supervisor; health follows. Then its node is drained."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from tests.acceptance.page import block, section
from tests.acceptance.site import PATIENCE, Site, Terminal
from tests.support.processes import is_gone, wait_until


@pytest.fixture
def settings(settings: Settings, worker_login: str) -> Settings:
    """Of a worker that logs in with no more rights than it needs."""
    return settings.but(database_url=worker_login)


def test_the_drill_of_the_guide(site: Site, terminal: Terminal, kept: int) -> None:
    kill, look, back = section("Try it before you rely on it")
    [first] = site.cli("workers", "--json").json

    os.kill(kept, signal.SIGSTOP)  # the guide's reader is quicker than the supervisor; this one has to wait
    assert terminal.type(kill).code == 0
    wait_until(lambda: is_gone(first["pid"]), PATIENCE, "the end of the worker")
    job_id = int(terminal.type('echo "$id"').out)
    process = one_process(site, job_id)
    health, orphans = look.splitlines()

    def trouble() -> str | None:
        said = terminal.type(health)
        return said.out if said.code == 1 else None

    seen = wait_until(trouble, PATIENCE, "health to see it")
    assert "DEGRADED  workers" in seen
    assert f"jobwarden worker --node {first['node_name']}" in seen
    assert "ORPHAN" in terminal.type(orphans).out
    assert not is_gone(process)

    os.kill(kept, signal.SIGCONT)
    well, _, rest = back.partition("\n")
    assert well.startswith("until jobwarden health;")
    assert terminal.type(well).code == 0
    assert (one_process(site, job_id), is_gone(process)) == (process, False)
    [second] = [one for one in site.cli("workers", "--json").json if one["state"] == "ONLINE"]
    assert (second["node_name"], second["pid"] != first["pid"]) == (first["node_name"], True)
    assert "1 adopted" in (site.home / "worker.log").read_text()
    assert "jobwarden_worker_notice_seconds_count 1.0\n" in site.cli("metrics").out

    said = terminal.type(rest)
    assert (said.code, "adopt" in said.out) == (0, True), said.out
    wait_until(lambda: is_gone(process), PATIENCE, "the end of the job")
    wait_until(lambda: site.cli("show", job_id, "--json").json["state"] == "FAILED", PATIENCE, "its record")


def one_process(site: Site, job_id: int) -> int:
    """The process that the database has for the job, which is the job's."""
    [allocation] = site.cli("show", job_id, "--json").json["allocations"]
    environ = Path(f"/proc/{allocation['process_id']}/environ")
    wait_until(lambda: f"JOBWARDEN_JOB_ID={job_id}".encode() in environ.read_bytes().split(b"\0"), PATIENCE)
    return int(allocation["process_id"])


def test_a_drained_node_gets_nothing_new(site: Site, terminal: Terminal, kept: int) -> None:
    lines = block("Stop, drain, replace", of="drain").replace("node7", "desk").splitlines()
    drain, look, resume = lines
    assert terminal.type(drain).code == 0
    assert "DRAINING" in terminal.type(look).out
    job_id = int(site.cli("submit", "-", input="#!/bin/sh\nexit 0\n").out)
    assert site.cli("show", job_id, "--json").json["state"] == "PENDING"
    assert terminal.type(resume).code == 0
    wait_until(lambda: site.cli("show", job_id, "--json").json["state"] == "COMPLETED", PATIENCE, "the job")
    assert not is_gone(kept)

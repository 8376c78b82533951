"""What the runbook says to type, typed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobwarden.backend.database.driver import Engine
from tests.acceptance.page import RUNBOOK, block, section
from tests.acceptance.site import Site, Terminal
from tests.support.anomalies import lost, orphan, unreachable
from tests.support.processes import is_gone
from tests.support.scene import Running, Scene, scene

THEIRS = "12345"
"""The job of the runbook's examples."""


@pytest.fixture
def stage(engine: Engine, site: Site, mark: str) -> Iterator[Scene]:
    """A node of this host whose workers are dead."""
    with scene(engine, site.settings, mark) as made:
        yield made


def of(job: Running, text: str) -> str:
    return text.replace(THEIRS, str(job.id))


def test_the_first_minute_looks_and_touches_nothing(stage: Scene, terminal: Terminal) -> None:
    job = orphan(stage)
    first = block("The first minute", of="health", page=RUNBOOK)
    said = terminal.type(first)
    assert said.code == 0
    assert "1 ORPHAN" in said.out
    assert "1 would be changed" in said.out
    assert (stage.state(job.id), is_gone(job.pid)) == ("RUNNING", False)


def test_by_hand_in_sql(stage: Scene, site: Site) -> None:
    job = lost(stage)
    assert [row["kind"] for row in site.cli("orphans", "--json").json] == ["LOST"]
    [statements] = section("ORPHAN", "sql", RUNBOOK)
    for statement in of(job, statements).strip().splitlines():
        stage.execute(statement)
    assert stage.columns(job.id, "state", "failure_reason") == ("FAILED", "OPERATOR")
    assert (stage.held_allocations(), stage.events(job.id)[-2:]) == (0, ["sql", "sql"])
    assert site.cli("orphans", "--json").json == []


def test_a_host_that_is_gone_for_good(stage: Scene, site: Site, terminal: Terminal) -> None:
    job = unreachable(stage)
    assert [row["kind"] for row in site.cli("orphans", "--json").json] == ["UNREACHABLE"]
    assert site.cli("mark-failed", job.id).code == 1
    done = terminal.type(of(job, block("UNREACHABLE", of="mark-failed", page=RUNBOOK)))
    assert done.code == 0, done.out
    assert (stage.state(job.id), stage.held_allocations()) == ("FAILED", 0)
    assert site.cli("orphans", "--json").json == []
    assert "node7 was scrapped" in site.cli("events", "--job", job.id).out
    assert not is_gone(job.pid)


def test_the_audit_is_read(stage: Scene, terminal: Terminal) -> None:
    job = orphan(stage)
    done = terminal.type(of(job, block("When the audit has to be read", of="events", page=RUNBOOK)))
    assert (done.code, done.out.count("tester@here") >= 2) == (0, True), done.out

"""``jobwarden up --demo`` as a newcomer runs it, on embedded servers."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobwarden.backend.demo import catalog
from jobwarden.backend.demo.demo import NODE
from jobwarden.backend.process.procfs import scan
from jobwarden.backend.process.record import RecordKind, read_record
from tests.support.cli import Cli
from tests.support.processes import is_gone, kill_hard, wait_until


@pytest.fixture
def cli(cli: Cli) -> Iterator[Cli]:
    """Pretends CPUs, so that the demonstration's queue empties quickly; ends the jobs and stops what ``up`` started."""
    yield Cli({**cli.env, "JOBWARDEN_NODE_CPUS": "8", "JOBWARDEN_NODE_MEMORY_MB": "4096"}, cli.cwd)
    cli("clean", "--yes")
    cli("cancel", "--yes", *unfinished(cli))
    left = unfinished(cli)
    cli("down")
    assert not left


def unfinished(cli: Cli) -> list[int]:
    return [job["id"] for job in jobs(cli) if job["end_time"] is None]


def jobs(cli: Cli, *filter: str) -> list[dict[str, Any]]:
    done = cli("jobs", *filter, "--json")
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = done.json
    return found


def attempt(cli: Cli, job: dict[str, Any]) -> dict[str, Any]:
    shown = cli("show", job["id"], "--json").json
    shown = shown[0] if isinstance(shown, list) else shown
    (allocation,) = shown["allocations"]
    found: dict[str, Any] = allocation
    return found


@pytest.mark.slow
def test_a_newcomer_sees_every_kind_of_end_and_orphans(cli: Cli, home: Path) -> None:
    done = cli("up", "--no-tui", "--demo")
    assert done.code == 0, done.err

    workers = {worker["node_name"]: worker for worker in cli("workers", "--json").json}
    assert workers["node1"]["state"] == "ONLINE"
    assert workers[NODE]["state"] == "DEAD"
    assert is_gone(workers[NODE]["pid"])

    abandoned = {job["name"]: job for job in jobs(cli, f"node:{NODE}")}
    assert {job["state"] for job in abandoned.values()} == {"RUNNING"}
    assert not is_gone(attempt(cli, abandoned["survivor"])["process_id"])
    assert_lost(cli, home, abandoned[catalog.CASUALTY])
    assert_unrecorded(cli, home, abandoned["finisher"])

    wait_until(lambda: not jobs(cli, "node:node1 state:running !training"), 120, "the short jobs")
    ended = {(job["state"], job["failure_reason"], job["exit_signal"] is not None) for job in jobs(cli)}
    assert ended >= {
        ("COMPLETED", None, False),
        ("FAILED", "SCRIPT_ERROR", False),
        ("FAILED", "SCRIPT_ERROR", True),
        ("FAILED", "TIMEOUT", True),
        ("FAILED", "LAUNCH_ERROR", False),
    }
    (too_big,) = (job for job in jobs(cli, "state:pending") if job["name"] == "too big")
    assert "no node has 512 CPUs" in cli("show", too_big["id"]).out

    again = cli("up", "--no-tui", "--demo")
    assert (again.code, again.err) == (0, "")
    assert len(jobs(cli, f"node:{NODE}")) == len(catalog.requests(catalog.ABANDONED, partition=NODE, cpus=8))
    assert len(jobs(cli, "!survivor")) > 40


def assert_lost(cli: Cli, home: Path, job: dict[str, Any]) -> None:
    """Neither a process nor an exit status is left of it."""
    allocation = attempt(cli, job)
    assert is_gone(allocation["process_id"])
    left = scan().sessions.get(allocation["process_id"], [])
    assert not [process for process in left if not process.gone]  # init may take its time to reap the dead
    assert read_record(f"{home}/spool/{NODE}/{allocation['id']}", None) is None


def assert_unrecorded(cli: Cli, home: Path, job: dict[str, Any]) -> None:
    """It ended well after its worker: the spool knows, the database does not."""
    allocation = attempt(cli, job)
    folder = f"{home}/spool/{NODE}/{allocation['id']}"
    record = wait_until(lambda: read_record(folder, None), what="the exit status")
    assert (record.kind, record.value) == (RecordKind.EXIT, 0)


@pytest.mark.slow
def test_with_the_orphans_gone_another_worker_is_lost(cli: Cli) -> None:
    assert cli("up", "--no-tui", "--demo").code == 0
    first = jobs(cli, f"node:{NODE}")
    for job in first:
        pid = attempt(cli, job)["process_id"]
        with contextlib.suppress(ProcessLookupError):
            kill_hard(pid)
    retire(cli)

    assert cli("up", "--no-tui", "--demo").code == 0
    assert len(jobs(cli, f"node:{NODE}")) == 2 * len(first)


def retire(cli: Cli) -> None:
    """Clear the node as an administrator does: a worker of it takes over what is left, and is stopped."""
    worker = cli.start("worker", "--node", NODE, JOBWARDEN_PARTITIONS=NODE)
    wait_until(lambda: not jobs(cli, f"node:{NODE} state:running"), 60, "the takeover")
    worker.terminate()
    assert worker.wait(30) == 0

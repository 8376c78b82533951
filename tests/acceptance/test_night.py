"""The line of the crontab frees what it should and nothing else, beside a worker and jobs that live."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.site import PATIENCE, Site
from tests.housekeeping.conftest import Past, past, read
from tests.support.processes import is_gone, wait_until

__all__ = ["past"]

OVERDUE, RECENT = 49, 47
"""Hours: more and less than the 48 of the crontab."""


def test_the_clean_up_of_the_crontab(site: Site, past: Past, kept: int) -> None:
    live = int(site.cli("submit", "-", input="#!/bin/sh\nexec sleep 600\n").out)
    process = wait_until(lambda: process_of(site, live), PATIENCE, "the live job")

    dead, lately = past.stage.worker(), past.stage.worker()
    vanished, missed, orphan = past.stage.run(dead), past.stage.run(lately), past.stage.run(dead)
    past.vanish(vanished)
    past.vanish(missed)
    for worker, hours in ((dead, OVERDUE), (lately, RECENT)):
        last_heard(past, worker, hours)
    archived = past.old_job(dead, hours=24 * 31)
    tidied, young = past.old_job(dead, OVERDUE), past.old_job(dead, RECENT)

    done = site.cron("housekeeping")

    assert (done.code, done.err) == (0, ""), done
    assert past.jobs() == {live, vanished.id, orphan.id, missed.id, tidied.id, young.id}
    [archive] = past.archives
    assert [line["job"]["id"] for line in read(archive) if "job" in line] == [archived.id]
    assert past.stage.columns(vanished.id, "state", "failure_reason") == ("FAILED", "WORKER_LOST")
    held = "SELECT count(*) FROM resource_allocations WHERE NOT released AND job_id = ANY(:ids)"
    assert past.stage.execute(held, ids=[vanished.id]) == 0
    assert past.stage.execute(held, ids=[live, orphan.id, missed.id]) == 3
    assert [job.id for job in (archived, tidied, young, orphan, missed) if not Path(job.folder).exists()] == [
        archived.id,
        tidied.id,
    ]
    assert [past.stage.state(job) for job in (live, orphan.id, missed.id)] == ["RUNNING"] * 3
    assert not any(is_gone(pid) for pid in (process, orphan.pid, kept))
    assert past.cli("kill", live, "--yes").code == 0


def process_of(site: Site, job_id: int) -> int:
    """The process of a job; 0 as long as it has none."""
    allocations = site.cli("show", job_id, "--json").json["allocations"]
    return int(allocations[0]["process_id"] or 0) if allocations else 0


def last_heard(past: Past, worker_id: int, hours: int) -> None:
    """Make the last heartbeat of a worker a thing of the past."""
    past.stage.execute(
        "UPDATE workers SET heartbeat_at = now() - make_interval(hours => :h) WHERE id = :id", h=hours, id=worker_id
    )

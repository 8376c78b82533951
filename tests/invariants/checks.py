"""What must hold after every step, whoever did what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobwarden.backend.database.driver import Connection, text
from tests.invariants.world import World

FINAL = ("COMPLETED", "FAILED", "CANCELLED")
UNAUDITED = {"jobs": {"changed_xid"}, "resource_allocations": {"claimed_at"}}
"""Columns that may change without an event: bookkeeping that tells nobody anything."""

ALL = text("""
    SELECT json_build_object(
        'jobs', (SELECT json_agg(j) FROM jobs j), 'nodes', (SELECT json_agg(n) FROM nodes n),
        'allocations', (SELECT json_agg(a ORDER BY id) FROM resource_allocations a),
        'events', (SELECT json_agg(e ORDER BY id) FROM events e))
""")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """The database at one moment."""

    jobs: dict[int, Row]
    allocations: dict[int, Row]
    nodes: list[Row]
    events: list[Row]

    def live(self, job_id: int) -> list[Row]:
        """The unreleased allocations of a job."""
        return [a for a in self.allocations.values() if a["job_id"] == job_id and not a["released"]]


def read(conn: Connection) -> Seen:
    """Read all of it, in one statement because this is done after every step."""
    found = conn.scalar(ALL)
    tables = {name: found[name] or [] for name in ("jobs", "allocations", "nodes", "events")}
    return Seen(
        {row["id"]: row for row in tables["jobs"]},
        {row["id"]: row for row in tables["allocations"]},
        tables["nodes"],
        tables["events"],
    )


def check_all(before: Seen, seen: Seen, world: World) -> None:
    """Raise AssertionError for the first thing that is not as it must be."""
    for job in seen.jobs.values():
        check_home(job, seen.live(job["id"]))
        assert world.starts(job["id"]) <= 1, f"job {job['id']} was started {world.starts(job['id'])} times"
    check_capacity(seen)
    check_releases(seen, world)
    check_history(before, seen)
    check_audit(before, seen)
    check_replay(seen)


def check_home(job: Row, live: list[Row]) -> None:
    """Each job is in one place of the state diagram, with all that belongs to it and nothing else."""
    where = f"job {job['id']} ({job['state']})"
    assert len(live) <= 1, f"{where} has {len(live)} live allocations"
    if job["state"] == "PENDING":
        facts = [job[name] for name in ("start_time", "end_time", "failure_reason", "exit_code", "node_name")]
        assert not live and facts == [None] * 5, f"{where} holds {live or facts}"
    elif job["state"] == "RUNNING":
        assert live, f"{where} has no allocation"
        assert job["end_time"] is None and job["node_name"] == live[0]["node_name"], f"{where}: {job}"
        assert (job["start_time"] is None) == (live[0]["process_id"] is None), f"{where}: start time and process differ"
    else:
        assert job["end_time"] is not None, f"{where} has no end"
        assert (job["state"] == "FAILED") == (job["failure_reason"] is not None), f"{where}: {job['failure_reason']}"


def check_capacity(seen: Seen) -> None:
    """No node gives more than it has, and its counters are the sum of what is taken."""
    for node in seen.nodes:
        for thing in ("cpus", "memory_mb", "gpus"):
            taken = sum(
                a[f"allocated_{thing}"]
                for a in seen.allocations.values()
                if a["node_name"] == node["name"] and not a["released"]
            )
            assert taken == node[f"{thing}_allocated"], f"{node['name']}: {thing} counter is not {taken}"
            assert taken <= node[thing], f"{node['name']}: {taken} of {node[thing]} {thing} given"


def check_releases(seen: Seen, world: World) -> None:
    """Nothing is released while its processes live, except on somebody's word."""
    for allocation in seen.allocations.values():
        if allocation["released"] and allocation["id"] not in world.by_hand:
            assert not world.runs(allocation["id"]), f"allocation {allocation['id']} was released alive"


def check_history(before: Seen, seen: Seen) -> None:
    """What has ended stays ended, what was written stays written."""
    for job_id, job in before.jobs.items():
        if job["state"] in FINAL:
            assert seen.jobs[job_id]["state"] == job["state"], f"job {job_id} left {job['state']}"
    for allocation_id, allocation in before.allocations.items():
        after = seen.allocations[allocation_id]
        assert after["released"] >= allocation["released"], f"allocation {allocation_id} came back"
        committed = allocation["process_id"]
        assert committed is None or after["process_id"] == committed, f"allocation {allocation_id} changed its process"
    assert seen.events[: len(before.events)] == before.events, "the audit was rewritten"


def check_audit(before: Seen, seen: Seen) -> None:
    """Every change of a job or of one of its allocations has an event that came with it."""
    told = {event["job_id"] for event in seen.events[len(before.events) :]}
    changed = set(_changed(before.jobs, seen.jobs, UNAUDITED["jobs"]))
    for allocation_id in _changed(before.allocations, seen.allocations, UNAUDITED["resource_allocations"]):
        changed.add(seen.allocations[allocation_id]["job_id"])
    assert changed <= told, f"jobs {changed - told} changed without an event"


def check_replay(seen: Seen) -> None:
    """The events alone tell the state of every job and what it holds."""
    state: dict[int, str | None] = defaultdict(lambda: None)
    holds: dict[int, int | None] = defaultdict(lambda: None)
    for event in seen.events:
        job_id, detail = event["job_id"], event["detail"] or {}
        if job_id is None:
            continue
        assert event["from_state"] == state[job_id], f"event {event['id']} of job {job_id} starts where it was not"
        state[job_id] = event["to_state"]
        if event["action"] == "allocate":
            holds[job_id] = detail["allocation_id"]
        elif _releases(event, detail):
            holds[job_id] = None
    assert {job_id: job["state"] for job_id, job in seen.jobs.items()} == dict(state), "events tell other states"
    for job_id in seen.jobs:
        assert [a["id"] for a in seen.live(job_id)] == ([] if holds[job_id] is None else [holds[job_id]]), (
            f"events tell that job {job_id} holds {holds[job_id]}"
        )


def _releases(event: Row, detail: Row) -> bool:
    """A job's end releases it, but for an end said by hand without proof; that says so, or is followed by a release."""
    if event["from_state"] == event["to_state"]:
        return bool(detail.get("released") is True)
    return event["action"] != "sql" and detail.get("released") is not False


def _changed(before: Mapping[int, Row], after: Mapping[int, Row], unaudited: set[str]) -> list[int]:
    def visible(row: Row | None) -> dict[str, Any] | None:
        return None if row is None else {name: value for name, value in row.items() if name not in unaudited}

    return [key for key, row in after.items() if visible(before.get(key)) != visible(row)]

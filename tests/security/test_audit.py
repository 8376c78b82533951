"""The audit against the login of a worker, which a job may have read from the settings of its Unix user."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobwarden.backend.database.driver import Connection, DatabaseError, Engine, text
from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.housekeeping.records import CleanupStep, Limits
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Outcome
from tests.housekeeping.conftest import Past, past, read
from tests.support.logins import Login, login, login_name
from tests.support.rows import add_node, allocated, pending, running
from tests.worker.farm import Farm

__all__ = ["login", "past"]

EVERYTHING = Limits(max_age_hours=0, retention_days=0)
ALICE = "alice@10.0.0.1"
FORGED = text("INSERT INTO events (job_id, actor, action, reason) VALUES (:job, :actor, 'kill', 'because')")
REGISTER = text(
    "INSERT INTO archives (hostname, path, sha256, bytes, event_count, jobs, loose_events)"
    " VALUES ('h', '/nowhere', repeat('0', 64), 1, 1, '{[1,1000000)}', '{[1,1000000)}') RETURNING id"
)
FINAL = text(
    "SELECT json_agg(json_build_object('id', j.id, 'xid', j.changed_xid::text, 'events',"
    " (SELECT count(*) FROM events e WHERE e.job_id = j.id)))::text FROM jobs j WHERE j.state = 'CANCELLED'"
)


def actors(conn: Connection, job: int | None) -> list[str]:
    """Who the job's audit says acted, in order."""
    return list(conn.scalars(text("SELECT actor FROM events WHERE job_id IS NOT DISTINCT FROM :job ORDER BY id"),
                             {"job": job}))  # fmt: skip


def forged(member: Engine, job: int | None, actor: str) -> str:
    """The actor that the audit has for an event that the login says was somebody's."""
    with member.begin() as conn:
        conn.execute(FORGED, {"job": job, "actor": actor})
        return actors(conn, job)[-1]


def ended(allocation_id: int, job_id: int) -> Outcome:
    return Outcome(allocation_id, job_id, JobState.FAILED, FailureReason.OPERATOR)


# Forging ------------------------------------------------------------------------------------------------------------


@pytest.mark.attempt("Worker role cannot change the audit: an event forged as somebody's", fault=5)
def test_writing_an_event_in_the_name_of_an_operator(engine: Engine, login: Login) -> None:
    """A worker's login inserts an event as alice@10.0.0.1, about a job, about none, and by the settings."""
    with engine.begin() as conn:
        job = pending(conn)
    worker = login("worker")
    name = login_name(worker)
    assert forged(worker, job, ALICE) == f"{name}/{ALICE}"
    assert forged(worker, None, ALICE) == f"{name}/{ALICE}"
    assert forged(worker, job, f"{name}x@here") == f"{name}/{name}x@here"
    for own in ("worker:node1", "scheduler", f"{name}@10.0.0.1"):
        assert forged(worker, job, own) == own
    with worker.begin() as conn:
        machine._say(conn, ALICE, "kill", "because")
        conn.execute(text("UPDATE jobs SET state = 'CANCELLED' WHERE id = :job"), {"job": job})
        assert actors(conn, job)[-1] == f"{name}/{ALICE}"


@pytest.mark.attempt("Worker role cannot change the audit: a command forged as somebody's", fault=5)
def test_asking_for_an_end_in_the_name_of_an_operator(engine: Engine, login: Login) -> None:
    """A worker's login leaves a command as alice, so that the end of the job counts as hers."""
    with engine.begin() as conn:
        job, allocation = running(conn, add_node(conn))
    worker = login("worker")
    with worker.begin() as conn:
        assert machine.request_end(conn, [job], "kill", ALICE, "because")
        machine.finish(conn, [ended(allocation, job)], ALICE, "kill")
        assert actors(conn, job)[-2:] == [f"{login_name(worker)}/{ALICE}"] * 2


@pytest.mark.attempt("Worker role cannot change the audit: speak for whoever asked once", fault=5)
def test_speaking_for_somebody_by_an_old_command(engine: Engine, login: Login) -> None:
    """A worker's login closes a closed command again, or names the one of another job."""
    with engine.begin() as conn:
        worker_id = add_node(conn)
        job, allocation = running(conn, worker_id)
        other, _ = running(conn, worker_id)
        machine.request_end(conn, [job], "kill", ALICE, "because")
        machine.finish(conn, [ended(allocation, job)], ALICE, "kill")
        machine.request_end(conn, [other], "kill", "bob@desk", "because")
    worker = login("worker")
    assert forged(worker, job, ALICE).endswith(f"/{ALICE}")
    assert forged(worker, job, "bob@desk").endswith("/bob@desk")
    with worker.begin() as conn, pytest.raises(DatabaseError, match="is closed"):
        conn.execute(text("UPDATE commands SET done_at = now() WHERE job_id = :job"), {"job": job})


def test_a_worker_writes_the_end_in_the_name_of_whom_asked_for_it(engine: Engine, login: Login) -> None:
    """Not an attack: what the rule must not break, for a job that runs and for one that never started."""
    with engine.begin() as conn:
        worker_id = add_node(conn)
        job, allocation = running(conn, worker_id)
        unstarted, waiting = allocated(conn, worker_id)
        for one in (job, unstarted):
            machine.request_end(conn, [one], "kill", ALICE, "because")
    with login("worker").begin() as conn:
        machine.finish(conn, [ended(allocation, job)], ALICE, "kill", "because")
        machine.requeue(conn, [waiting], "worker:node1", "never started", uncommitted=True)
        assert actors(conn, job)[-1] == ALICE
        assert ALICE in actors(conn, unstarted)[-1:]
        assert not any("/" in actor for one in (job, unstarted) for actor in actors(conn, one))


@pytest.mark.parametrize("column", ["at", "id", "database_user"])
def test_choosing_what_the_server_says_of_an_event(engine: Engine, login: Login, column: str) -> None:
    """A worker's login dates an event back, or signs it as another login."""
    values = {"at": "now() - interval '1 year'", "id": "1", "database_user": "'alice'"}
    with login("worker").begin() as conn, pytest.raises(DatabaseError, match=r"permission denied|non-DEFAULT"):
        conn.execute(text(f"INSERT INTO events (actor, action, {column}) VALUES ('x', 'y', {values[column]})"))


def test_a_worker_that_has_no_more_than_its_role(farm: Farm, login: Login) -> None:
    """Not an attack: a real worker does all it does with the rights of its role, and in the right names."""
    member = login("worker").url
    worker = farm.worker(DATABASE_URL=member)
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"
    job, _ = farm.submit_waiting()
    farm.started(job)
    with farm.engine.begin() as conn:
        machine.request_end(conn, [job], "kill", ALICE, "because")
    assert farm.ended(job).state == "FAILED"
    with farm.engine.connect() as conn:
        assert actors(conn, job)[-1] == ALICE
        names = set(conn.scalars(text("SELECT actor FROM events")))
    assert names == {ALICE, "tester", "scheduler", "worker:node1"}
    assert worker.term() == 0
    assert "permission denied" not in worker.said, worker.said
    assert farm.scalar("SELECT end_reason FROM workers") == "stopped"


# Erasing ------------------------------------------------------------------------------------------------------------


@pytest.mark.attempt("Worker role cannot change the audit: an invented archive and jw_retire", fault=5)
def test_erasing_a_job_by_an_invented_archive(past: Past, login: Login) -> None:
    """A worker's login says that an archive has everything, which is nowhere, and has it deleted."""
    jobs = past.old_rows(3)
    with past.engine.connect() as conn:
        before = {job: actors(conn, job) for job in jobs}
    worker = login("worker")
    with worker.begin() as conn:
        archive = conn.scalar(REGISTER)
        values: dict[str, Any] = {"archive": archive, "jobs": conn.scalar(FINAL)}
        assert conn.scalar(text("SELECT jw_retire(:archive, CAST(:jobs AS jsonb))"), values) == 3
        loose = conn.scalar(text("SELECT array_agg(id) FROM events WHERE job_id IS NULL"))
        conn.execute(text("SELECT jw_retire_events(:archive, :ids)"), {"archive": archive, "ids": loose})
    with past.engine.connect() as conn:
        rows = conn.execute(text("SELECT * FROM kept WHERE job_id IS NOT NULL ORDER BY id")).all()
        said = conn.execute(text("SELECT * FROM events WHERE action = 'retire' ORDER BY id")).all()
    assert [row.job_id for row in rows] == jobs
    assert {row.job_id: [e["actor"] for e in json.loads(row.line)["events"]] for row in rows} == before
    assert {row.database_user for row in rows} == {login_name(worker)}
    retired = [row for row in said if "jobs" in row.detail]
    # The event of the first removal may be among what the second one removed: then that is kept.
    assert retired or any('"retire"' in line for line in kept_lines(past))
    assert said[-1].actor.startswith(f"{login_name(worker)}@")

    step = past.step(CleanupStep.ARCHIVE, EVERYTHING)
    lines = [line for path in past.archives for line in read(path)]
    assert sorted(line["job"]["id"] for line in lines if "job" in line) == jobs
    assert (past.count("kept"), len(step.files) >= 1, past.count("jobs")) == (0, True, 0)


def kept_lines(past: Past) -> list[str]:
    with past.engine.connect() as conn:
        return list(conn.scalars(text("SELECT line FROM kept ORDER BY id")))


def test_the_digest_of_what_was_removed_is_in_the_audit(past: Past, login: Login) -> None:
    """What was kept is changed by somebody who can: the audit says what it was."""
    jobs = past.old_rows(5)
    with login("worker").begin() as conn:
        values = {"archive": conn.scalar(REGISTER), "jobs": conn.scalar(FINAL)}
        conn.execute(text("SELECT jw_retire(:archive, CAST(:jobs AS jsonb))"), values)
        said = conn.scalar(text("SELECT detail FROM events WHERE action = 'retire'"))
        digest = conn.scalar(text("SELECT encode(sha256(string_agg(sha256(convert_to(line, 'UTF8')), '' ORDER BY id)),"
                                  " 'hex') FROM kept"))  # fmt: skip
    assert (said["sha256"], said["jobs"]) == (digest, f"{{[{jobs[0]},{jobs[-1] + 1})}}")


@pytest.mark.attempt("Worker role cannot change the audit: what retention kept", fault=5)
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM kept",
        "UPDATE kept SET line = '{}'",
        "TRUNCATE kept",
        "INSERT INTO kept (events, line) VALUES (1, '{}')",
        "SELECT jw_drop_kept(1, '{1}')",
        "SELECT jw_note_removal('x', 'y', '{}')",
        "DELETE FROM events",
        "DELETE FROM workers",
        "DELETE FROM archives",
        "UPDATE commands SET actor = 'alice@10.0.0.1'",
    ],
)
def test_deleting_with_the_setting_of_an_archive(past: Past, login: Login, statement: str) -> None:
    """A worker's login names an archive itself and deletes, or changes what was kept."""
    past.old_rows(1)
    with login("worker").begin() as conn:
        values = {"archive": conn.scalar(REGISTER), "jobs": conn.scalar(FINAL)}
        conn.execute(text("SELECT jw_retire(:archive, CAST(:jobs AS jsonb))"), values)
        conn.execute(text("SELECT set_config('jobwarden.archive', :id, true)"), {"id": str(values["archive"])})
        with pytest.raises(DatabaseError, match="permission denied"):
            conn.execute(text(statement))


@pytest.mark.parametrize("statement", ["DELETE FROM kept", "UPDATE kept SET line = '{}'", "TRUNCATE kept"])
def test_the_owner_does_not_erase_by_mistake_either(past: Past, statement: str) -> None:
    """The owner types what would lose what was kept."""
    with past.engine.begin() as conn, pytest.raises(DatabaseError, match="append-only"):
        conn.execute(text(statement))


def test_a_workers_clean_up_says_what_waits_for_the_owner(past: Past, login: Login) -> None:
    """Not an attack: the nightly clean-up as a worker, and then the owner's."""
    jobs = past.old_rows(3)
    url = login("worker").url
    done = past.cli("cleanup", "--max-age-hours", 0, "--json", DATABASE_URL=url)
    assert (done.code, done.err) == (0, "")
    assert any("until the owner of its tables" in left for left in done.json[2]["left"])
    assert past.count("kept") >= 3
    past.run(EVERYTHING)
    assert past.count("kept") == 0
    found = [line["job"]["id"] for path in past.archives for line in read(path) if "job" in line]
    assert sorted(found) == sorted(jobs * 2)


# Other people's jobs --------------------------------------------------------------------------------------------------


@pytest.mark.attempt("A submitter is a worker: change what another node will run", fault=5)
@pytest.mark.parametrize(
    "column", ["script", "arguments", "environment", "work_dir", "submitted_by", "account", "priority", "held", "name",
               "cpus", "memory_mb", "gpus", "time_limit", "partition", "resubmit_of", "submit_time", "changed_xid"]
)  # fmt: skip
def test_changing_what_a_waiting_job_runs(engine: Engine, login: Login, column: str) -> None:
    """A worker's login rewrites somebody's pending job, which another node runs as that user."""
    with engine.begin() as conn:
        job = pending(conn)
    with login("worker").begin() as conn, pytest.raises(DatabaseError, match="permission denied"):
        conn.execute(text(f"UPDATE jobs SET {column} = {column} WHERE id = :job"), {"job": job})


def test_submitting_as_a_worker(engine: Engine, login: Login) -> None:
    """A worker's login submits a job."""
    with login("worker").begin() as conn, pytest.raises(DatabaseError, match="permission denied"):
        pending(conn)

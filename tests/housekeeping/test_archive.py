"""Finished jobs leave the database only when a file has them, whatever goes wrong in between."""

from __future__ import annotations

import gzip
import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobwarden.backend.database.driver import DatabaseError, text
from jobwarden.backend.errors import InputError, Refused
from jobwarden.backend.housekeeping import archive
from jobwarden.backend.housekeeping.archive_file import Written, verify
from jobwarden.backend.housekeeping.records import CleanupStep, Limits
from tests.housekeeping.conftest import EVERYTHING, Past, read

MONTH = Limits(876_000, 30)


def archived_jobs(past: Past) -> list[int]:
    """Ids in all archives, duplicates included."""
    return sorted(line["job"]["id"] for path in past.archives for line in read(path) if "job" in line)


def test_old_finished_jobs_move_with_all_that_belongs_to_them(past: Past) -> None:
    worker = past.stage.worker()
    job = past.old_job(worker)
    past.stage.execute("INSERT INTO commands (job_id, node_name, action, actor, done_at)"
                       " VALUES (:id, 'node1', 'kill', 'me@here', now())", id=job.id)  # fmt: skip
    events = past.stage.events(job.id)
    cookie = past.stage.execute("SELECT cookie FROM resource_allocations")
    report = past.step(CleanupStep.ARCHIVE, MONTH)
    assert (report.count, report.events, report.left, report.failed) == (1, len(events), (), ())
    [path] = past.archives
    assert report.files == (str(path),)
    assert report.bytes == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600
    [line] = read(path)
    assert (line["job"]["id"], line["job"]["state"]) == (job.id, "FAILED")
    assert line["job"]["script"] == "echo said\n"
    assert line["allocations"][0]["cookie"] == cookie
    assert line["commands"][0]["action"] == "kill"
    assert [event["action"] for event in line["events"]] == events
    assert (past.jobs(), past.count("resource_allocations"), past.count("commands")) == (set(), 0, 0)
    assert past.count("events WHERE job_id IS NOT NULL") == 0


def test_the_audit_says_where_they_went(past: Past) -> None:
    ids = past.old_rows(3)
    past.step(CleanupStep.ARCHIVE, MONTH)
    [path] = past.archives
    with past.engine.connect() as conn:
        event = conn.execute(text("SELECT * FROM events WHERE action = 'archive'")).one()
        row = conn.execute(text("SELECT *, jobs::text AS ranges FROM archives")).one()
    assert (event.actor, event.detail["file"], event.detail["jobs"]) == ("tester@here", str(path), 3)
    assert (row.path, row.bytes, row.event_count) == (str(path), path.stat().st_size, 6)
    assert row.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() == event.detail["sha256"]
    assert row.ranges == f"{{[{ids[0]},{ids[-1] + 1})}}"


def test_what_is_young_running_or_still_holds_something_stays(past: Past) -> None:
    worker = past.stage.worker(alive=True)
    running = past.stage.run(worker)
    held = past.stage.run(worker)
    past.end(held.id, release=False)
    [young] = past.old_rows(1, hours=24 * 29)
    [old] = past.old_rows(1, hours=24 * 31)
    assert past.step(CleanupStep.ARCHIVE, MONTH).count == 1
    assert past.jobs() == {running.id, held.id, young}
    assert archived_jobs(past) == [old]


def test_events_of_no_job_are_archived_when_they_are_old(past: Past) -> None:
    insert = "INSERT INTO events (actor, action, job_id, at) VALUES ('w', :a, :j, now() - make_interval(days => :d))"
    for action, job, days in (("old", None, 31), ("young", None, 29), ("of-a-job-that-is-gone", 4711, 31)):
        past.stage.execute(insert, a=action, j=job, d=days)
    assert past.step(CleanupStep.ARCHIVE, MONTH).events == 2
    [path] = past.archives
    assert [line["event"]["action"] for line in read(path)] == ["old", "of-a-job-that-is-gone"]
    with past.engine.connect() as conn:
        assert list(conn.scalars(text("SELECT action FROM events ORDER BY id"))) == ["young", "archive", "retire"]


def test_with_nothing_old_there_is_no_file(past: Past) -> None:
    past.old_rows(2, hours=1)
    assert past.step(CleanupStep.ARCHIVE, MONTH).files == ()
    assert list(past.settings.archives.iterdir()) == []


def test_a_dry_run_predicts_jobs_events_and_bytes(past: Past) -> None:
    past.old_rows(300)
    before = past.count("events")
    planned = past.step(CleanupStep.ARCHIVE, MONTH, dry_run=True)
    assert not past.settings.archives.exists()
    assert (past.count("jobs"), past.count("events")) == (300, before)
    done = past.step(CleanupStep.ARCHIVE, MONTH)
    assert (planned.count, planned.events, planned.bytes) == (done.count, done.events, done.bytes)
    assert (done.count, done.events) == (300, 600)


def test_many_jobs_go_into_several_files_and_every_one_once(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "JOBS_PER_FILE", 40)
    monkeypatch.setattr(archive, "DELETED_TOGETHER", 7)
    ids = past.old_rows(100)
    planned = past.step(CleanupStep.ARCHIVE, MONTH, dry_run=True)
    report = past.step(CleanupStep.ARCHIVE, MONTH)
    assert (report.count, len(report.files), planned.bytes) == (100, 3, report.bytes)
    assert archived_jobs(past) == ids
    assert past.jobs() == set()


def test_a_job_that_points_to_an_archived_one_keeps_the_number(past: Past) -> None:
    [old] = past.old_rows(1)
    assert past.cli("resubmit", old).code == 0
    past.step(CleanupStep.ARCHIVE, MONTH)
    [new] = past.jobs()
    assert past.cli("show", new, "--json").json["resubmit_of"] == old
    shown = past.cli("show", old)
    assert shown.code == 2
    assert str(past.archives[0]) in shown.err
    assert past.cli("show", 4711).err == "jobwarden: there is no job 4711\n"


# Failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["below a file", "a file"])
def test_a_directory_that_cannot_be_written_stops_everything(past: Past, kind: str) -> None:
    past.old_rows(2)
    past.stage.worker()
    folder = past.folder("31")
    blocker = past.settings.home / "blocker"
    blocker.write_text("x")
    target = blocker / "archive" if kind == "below a file" else blocker
    for options in ([], ["--dry-run"]):
        done = past.cli("cleanup", "--max-age-hours", 0, *options, JOBWARDEN_ARCHIVE_DIR=str(target))
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"jobwarden: no archive can be written to {target}")
        assert done.err.count("\n") == 1
    assert (past.count("jobs"), folder.exists(), past.count("archives")) == (2, True, 0)


def test_a_disk_that_fills_up_deletes_nothing_and_leaves_no_half_file(past: Past) -> None:
    """The limit of the shell stands for the disk: writing beyond it fails in the same way."""
    with past.engine.begin() as conn:  # random scripts, so that there is nothing to compress
        conn.execute(text("INSERT INTO jobs (name, account, script, work_dir, memory_mb) SELECT 'n', 'a', string_agg("
                          " md5(random()::text), ''), '/', 1 FROM generate_series(1, 300) r, generate_series(1, 100) g"
                          " GROUP BY r"))  # fmt: skip
    past.stage.execute("UPDATE jobs SET state = 'CANCELLED', end_time = now() - interval '90 days'")
    command = " ".join(past.cli.command("cleanup", "--max-age-hours", "0"))
    limited = ["sh", "-c", f"ulimit -f 100; exec {command}"]
    done = subprocess.run(limited, env=past.cli.env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "File too large): no job was deleted" in done.stderr
    assert list(past.settings.archives.iterdir()) == []
    assert (past.count("jobs"), past.count("archives")) == (300, 0)


def between(monkeypatch: pytest.MonkeyPatch, action: Callable[[Written], Any]) -> None:
    """Do something when the file is in place and not yet read back."""

    def after_deed(written: Written, job_ids: set[int]) -> None:
        action(written)
        verify(written, job_ids)

    monkeypatch.setattr("jobwarden.backend.housekeeping.archive.verify", after_deed)


def cut_short(written: Written) -> None:
    with written.path.open("rb+") as file:
        file.truncate(written.bytes - 1)


def swapped(written: Written) -> None:
    data = bytearray(written.path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    written.path.write_bytes(data)


def gone(written: Written) -> None:
    written.path.unlink()


def nested(written: Written) -> None:
    """What no reader of JSON survives must not even be read: it is not what was written."""
    written.path.write_bytes(gzip.compress(b"[" * 100_000))


def linked(written: Written) -> None:
    kept = written.path.rename(written.path.with_name("kept"))
    written.path.symlink_to(kept)


@pytest.mark.parametrize("damage", [cut_short, swapped, gone, nested, linked])
def test_an_archive_that_does_not_read_back_deletes_nothing(
    past: Past, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Written], None]
) -> None:
    past.old_rows(50)
    between(monkeypatch, damage)
    with pytest.raises(Refused, match="cannot be read back"):
        past.run(MONTH)
    assert (past.count("jobs"), past.count("archives")) == (50, 0)


def test_a_job_that_changes_meanwhile_stays_for_the_next_run(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    changed, noted, quiet = past.old_rows(3)

    def change(_: Written) -> None:
        past.stage.execute("UPDATE jobs SET error_msg = 'looked into' WHERE id = :id", id=changed)
        past.stage.execute("INSERT INTO events (job_id, actor, action) VALUES (:id, 'w', 'note')", id=noted)

    with monkeypatch.context() as patch:
        between(patch, change)
        report = past.step(CleanupStep.ARCHIVE, MONTH)
    assert (report.count, past.jobs()) == (1, {changed, noted})
    assert "2 archived jobs changed" in report.left[0]
    assert past.step(CleanupStep.ARCHIVE, MONTH).count == 2
    last = {line["job"]["id"]: line for line in read(past.archives[-1])}
    assert last[changed]["job"]["error_msg"] == "looked into"
    assert last[noted]["events"][-1]["action"] == "note"
    assert archived_jobs(past) == sorted([changed, noted, quiet, changed, noted])


def test_a_job_that_somebody_is_changing_right_now_is_not_waited_for(past: Past) -> None:
    busy, free = past.old_rows(2)
    with past.engine.begin() as conn:
        conn.execute(text("SELECT 1 FROM jobs WHERE id = :id FOR UPDATE"), {"id": busy})
        assert past.step(CleanupStep.ARCHIVE, MONTH).count == 1
    assert past.jobs() == {busy}
    assert archived_jobs(past) == [busy, free]


DIE = """
import os, signal, sys
from jobwarden.backend.housekeeping import archive, archive_file
def die(*args): os.kill(os.getpid(), signal.SIGKILL)
archive.JOBS_PER_FILE, archive.DELETED_TOGETHER = 40, 5
moment, calls = sys.argv[1], 0
def after(module, name, number):
    real = getattr(module, name)
    def counted(*args, **values):
        global calls
        result = real(*args, **values)
        calls += 1
        if calls == number:
            die()
        return result
    setattr(module, name, counted)
if moment == "writing":
    after(archive_file.ArchiveFile, "write", 20)
elif moment == "written":
    after(archive, "verify", 2)
elif moment == "registered":
    after(archive, "register", 1)
else:
    after(archive, "_delete", 3)
from jobwarden.backend.cli.main import run
sys.exit(run(["cleanup", "--max-age-hours", "0", "--retention-days", "30"]))
"""


@pytest.mark.parametrize("moment", ["writing", "written", "registered", "deleting"])
def test_kill_9_in_the_middle_loses_nothing(past: Past, moment: str) -> None:
    ids = past.old_rows(100)
    killed = subprocess.run(
        [sys.executable, "-c", DIE, moment], env=past.cli.env, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    in_database, in_files = past.jobs(), set(archived_jobs(past))
    assert in_database | in_files == set(ids)
    assert (len(in_database) < 100) == (moment in ("written", "deleting"))
    done = past.cli("cleanup", "--max-age-hours", 0, "--retention-days", 30)
    assert (done.code, done.err) == (0, "")
    assert past.jobs() == set()
    assert set(archived_jobs(past)) == set(ids)
    assert [path.name for path in past.settings.archives.iterdir() if not path.name.endswith(".jsonl.gz")] == []


# The guards of the database ---------------------------------------------------------------------------------------


def forge(past: Past, statement: str) -> None:
    """What somebody might type, with the setting and a registered archive at hand."""
    with past.engine.begin() as conn:
        conn.execute(text("SELECT set_config('jobwarden.archive', (SELECT max(id) FROM archives)::text, true)"))
        conn.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM events", "UPDATE events SET actor = 'x'", "TRUNCATE events",
        "DELETE FROM archives", "UPDATE archives SET jobs = '{[1,1000)}'", "TRUNCATE archives",
    ],
)  # fmt: skip
def test_typed_statements_stay_refused(past: Past, statement: str) -> None:
    past.old_rows(3)
    past.step(CleanupStep.ARCHIVE, MONTH)
    past.old_rows(1, hours=1)
    with pytest.raises(DatabaseError, match="append-only"), past.engine.begin() as conn:
        conn.execute(text(statement))
    with pytest.raises(DatabaseError, match="append-only"):
        forge(past, statement)


def test_a_forged_setting_deletes_no_event_of_a_job_that_no_archive_names(past: Past) -> None:
    past.old_rows(1)
    past.step(CleanupStep.ARCHIVE, MONTH)
    [young] = past.old_rows(1, hours=1)
    with pytest.raises(DatabaseError, match="only those of archived jobs"):
        forge(past, f"DELETE FROM events WHERE job_id = {young}")
    assert past.stage.events(young) == ["submit", "sql"]


def test_the_function_deletes_nothing_that_is_not_archived_as_it_is(past: Past) -> None:
    [old] = past.old_rows(1)
    row = past.stage.execute("SELECT jsonb_build_object('id', id, 'xid', changed_xid::text, 'events', 2) FROM jobs")
    past.stage.execute("INSERT INTO archives (hostname, path, sha256, bytes, event_count, jobs, loose_events)"
                       " VALUES ('h', '/p', repeat('0', 64), 1, 1, '{}', '{}')")  # fmt: skip
    assert past.stage.execute("SELECT jw_retire(1, jsonb_build_array(CAST(:row AS jsonb)))", row=_json(row)) == 0
    past.stage.execute("INSERT INTO archives (hostname, path, sha256, bytes, event_count, jobs, loose_events)"
                       " VALUES ('h', '/p', repeat('0', 64), 1, 1, jw_ranges(ARRAY[:old]), '{}')", old=old)  # fmt: skip
    assert past.stage.execute("SELECT jw_retire(1, jsonb_build_array(CAST(:row AS jsonb)))", row=_json(row)) == 0
    for other in ({"xid": "1"}, {"events": 1}):
        wrong = _json({**row, **other})
        assert past.stage.execute("SELECT jw_retire(2, jsonb_build_array(CAST(:row AS jsonb)))", row=wrong) == 0
    assert past.stage.execute("SELECT jw_retire(2, jsonb_build_array(CAST(:row AS jsonb)))", row=_json(row)) == 1


def _json(value: object) -> str:
    return json.dumps(value)


def test_the_directory_is_checked_before_anything_is_done(past: Past) -> None:
    (past.settings.home / "archive").write_text("x")
    with pytest.raises(InputError, match="set archive_dir"):
        past.run(EVERYTHING)
    assert Path(past.settings.home / "archive").read_text() == "x"

"""The verb as cron and people start it."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
from pathlib import Path

import pytest

from jobwarden.backend.actions.results import Context
from jobwarden.backend.database.driver import text
from jobwarden.backend.database.engine import HOUSEKEEPING_LOCK, try_session_lock
from jobwarden.backend.housekeeping.run import ARCHIVE_KEY, host_key
from tests.housekeeping.conftest import Past


def state(past: Past) -> tuple[int, ...]:
    """What a run that does nothing must not move."""
    folders = len(list(past.spool.iterdir()))
    return (past.count("jobs"), past.count("events"), past.count("archives"), past.stage.held_allocations(), folders)


@pytest.fixture
def full(past: Past) -> Past:
    """Something for every step."""
    worker = past.stage.worker()
    past.old_job(worker)
    past.stage.allocate(worker)
    past.folder("900000")
    return past


def test_one_line_a_step_and_the_dry_run_says_the_same(full: Past) -> None:
    before = state(full)
    dry = full.cli("cleanup", "--max-age-hours", 0, "--dry-run")
    assert (dry.code, dry.err, state(full)) == (0, "", before)
    done = full.cli("cleanup", "--max-age-hours", 0)
    assert (done.code, done.err) == (0, "")
    numbers = [line for line in dry.out.replace("would be ", "").splitlines() if not line.startswith(" ")]
    assert numbers[:-1] == [line for line in done.out.splitlines() if not line.startswith(" ")]
    assert numbers[-1] == "dry run: nothing was done"
    assert "allocations: 1 stale allocation released" in done.out
    assert "spool: 2 folders removed" in done.out
    assert "archive: 1 job and " in done.out


def test_json_has_an_object_for_each_step(full: Past) -> None:
    rows = full.cli("cleanup", "--max-age-hours", 0, "--json").json
    counts = [(row["step"], row["count"]) for row in rows]
    assert counts == [("allocations", 1), ("spool", 2), ("archive", 1), ("workers", 0)]
    assert rows[2]["files"] == [str(path) for path in full.archives]


@pytest.mark.parametrize(
    "args",
    [
        ("--max-age-hours", "-1"), ("--max-age-hours=-0.5",), ("--max-age-hours", "nan"), ("--max-age-hours", "inf"),
        ("--max-age-hours", "two"), ("--max-age-hours", "1e99"), ("--retention-days", "-1"), ("--max-age", "3"),
        ("--retention-days", "99999999"),
    ],
)  # fmt: skip
def test_a_wrong_age_is_bad_input(full: Past, args: tuple[str, ...]) -> None:
    before = state(full)
    done = full.cli("cleanup", *args)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert state(full) == before


def test_an_unknown_setting_names_the_nearest(full: Past) -> None:
    done = full.cli("cleanup", JOBWARDEN_RETENTION_DAY="3")
    assert (done.code, "JOBWARDEN_RETENTION_DAYS" in done.err) == (2, True)


@pytest.mark.parametrize(("version", "advice"), [("0001", "jobwarden db upgrade"), ("9999", "upgrade jobwarden")])
def test_another_schema_is_left_alone(full: Past, version: str, advice: str) -> None:
    full.stage.execute("UPDATE alembic_version SET version_num = :version", version=version)
    before = state(full)
    done = full.cli("cleanup", "--max-age-hours", 0)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert advice in done.err
    assert state(full) == before


def test_the_settings_say_how_long(full: Past) -> None:
    cli = full.cli.with_env({"JOBWARDEN_SPOOL_RETENTION_HOURS": "2000", "JOBWARDEN_RETENTION_DAYS": "60"})
    rows = cli("cleanup", "--json").json
    assert [row["count"] for row in rows] == [0, 0, 0, 0]
    rows = cli("cleanup", "--json", "--retention-days", 30).json
    assert [row["count"] for row in rows] == [0, 0, 1, 0]


def test_the_second_at_once_says_so_and_does_nothing(full: Past) -> None:
    before = state(full)
    key = host_key(Context(full.engine, full.settings, "x"))
    with full.engine.connect().autocommit() as conn:
        assert try_session_lock(conn, HOUSEKEEPING_LOCK, key)
        done = full.cli("cleanup", "--max-age-hours", 0)
        conn.invalidate()
    assert (done.code, done.err, state(full)) == (0, "", before)
    assert done.out.startswith("another housekeeping run, started 20")
    assert done.out.endswith("is at work: nothing was done\n")


def test_while_another_host_archives_this_one_still_tidies_its_own(full: Past) -> None:
    with full.engine.connect().autocommit() as conn:
        assert try_session_lock(conn, HOUSEKEEPING_LOCK, ARCHIVE_KEY)
        done = full.cli("cleanup", "--max-age-hours", 0, "--json")
        conn.invalidate()
    rows = done.json
    assert [row["count"] for row in rows] == [1, 2, 0]
    assert "is archiving right now" in rows[2]["left"][0]


def test_two_at_once_do_everything_once(full: Past) -> None:
    ids = full.old_rows(400)
    runs = [full.cli.start("cleanup", "--max-age-hours", 0, "--json") for _ in range(2)]
    said = [run.communicate(timeout=60) for run in runs]
    assert [(run.returncode, err) for run, (_, err) in zip(runs, said, strict=True)] == [(0, ""), (0, "")]
    steps = [step for out, _ in said for step in json.loads(out)]
    assert sum(step["count"] for step in steps if step["step"] == "archive") == len(ids) + 1
    assert sum(step["count"] for step in steps if step["step"] == "spool") == 2


def on_terminal(past: Past, answer: str, *args: str) -> tuple[int, str]:
    """Run the verb on a terminal of its own; its exit code and all it showed."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        past.cli.command("cleanup", "--max-age-hours", 0, *args), env={**past.cli.env, "TERM": "xterm"},
        stdin=side, stdout=side, stderr=side, cwd=past.cli.cwd, start_new_session=True,
    )  # fmt: skip
    os.close(side)
    shown, answered = b"", False
    while True:
        if select.select([main], [], [], 60)[0]:
            try:
                shown += os.read(main, 4096)
            except OSError:  # EIO: everybody has left the terminal
                break
        if b"Continue?" in shown and not answered:
            os.write(main, f"{answer}\n".encode())
            answered = True
    os.close(main)
    return process.wait(60), shown.decode()


def test_on_a_terminal_it_asks_and_shows_a_bar(full: Past) -> None:
    full.old_rows(300)
    before = state(full)
    code, shown = on_terminal(full, "n")
    assert (code, state(full)) == (2, before)
    assert "would be archived" in shown
    assert "not confirmed: nothing was done" in shown
    code, shown = on_terminal(full, "y")
    assert code == 0
    assert "archive     [" in shown
    assert "100%" in shown
    assert full.count("jobs") == 1
    code, shown = on_terminal(full, "", "--yes")
    assert (code, "Continue?" in shown) == (0, False)


def test_jobs_at_work_notice_nothing(full: Past) -> None:
    running = full.stage.run(full.stage.worker(alive=True), "until [ -e go ]; do sleep 0.05; done\nexit 7\n")
    waiting = full.cli("submit", "-", input="true\n")
    before = Path(running.folder, f"job_{running.id}.sh").read_bytes()
    assert full.cli("cleanup", "--max-age-hours", 0, "--retention-days", 0).code == 0
    assert Path(running.folder, f"job_{running.id}.sh").read_bytes() == before
    assert full.stage.state(running.id) == "RUNNING"
    assert full.stage.state(int(waiting.out)) == "PENDING"
    with full.engine.connect() as conn:
        assert conn.scalar(
            text("SELECT released FROM resource_allocations WHERE job_id = :id"), {"id": running.id}
        ) is (False)

"""Listings show first what people look for, and say why."""

import json
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator
from fcntl import ioctl

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from tests.support.cli import Cli
from tests.support.rows import without_rules
from tests.support.scene import Scene, scene


@pytest.fixture
def stage(engine: Engine, settings: Settings, mark: str) -> Iterator[Scene]:
    """A node with jobs that really run and no worker behind them."""
    with scene(engine, settings, mark) as made:
        yield made


def submit(cli: Cli, *options: str) -> int:
    done = cli("submit", *options, "-", input="true\n")
    assert done.code == 0, done.err
    return int(done.out)


def on_terminal(cli: Cli, *args: str, columns: int) -> list[str]:
    """The lines of a verb on a terminal of this width."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {name: value for name, value in cli.env.items() if name not in ("COLUMNS", "LINES")}
    try:
        subprocess.run(cli.command(*args), stdin=theirs, stdout=theirs, cwd=cli.cwd, env=env, check=True)
        said = os.read(ours, 1 << 16)
    finally:
        os.close(ours)
        os.close(theirs)
    return said.decode().splitlines()


def test_running_jobs_come_first_then_the_queue_then_what_ended_last(cli: Cli, stage: Scene) -> None:
    running = stage.run(stage.worker(alive=True)).id
    low, first_ended, high, last_ended, same = (submit(cli, "--priority", n) for n in ("1", "0", "9", "0", "1"))
    cli("cancel", last_ended)
    cli("cancel", first_ended)
    expected = [running, high, low, same, first_ended, last_ended]
    ids = [int(line.split()[0]) for line in cli("jobs").out.splitlines()[1:]]
    assert ids == expected
    assert [int(line.split()[0]) for line in cli("jobs", "--limit", 3).out.splitlines()[1:]] == expected[:3]
    assert [int(line.split()[0]) for line in cli("jobs", "--newest").out.splitlines()[1:]] == sorted(ids, reverse=True)
    assert [job["id"] for job in cli("jobs", "--json").json] == sorted(ids, reverse=True)


def test_jobs_say_why_they_wait_how_they_failed_and_how_old_they_are(cli: Cli, stage: Scene) -> None:
    big = submit(cli, "--cpus", "512")
    held = submit(cli, "--hold")
    dead = submit(cli)
    failed = submit(cli)
    with stage.engine.begin() as conn:
        without_rules(conn, "jobs")
        conn.execute(
            text(
                "UPDATE jobs SET state = 'FAILED', failure_reason = 'LAUNCH_ERROR', error_msg = 'cannot run it',"
                " submit_time = now() - interval '3 hours', start_time = NULL, end_time = now() WHERE id = :id"
            ),
            {"id": failed},
        )
    title, *lines = cli("jobs").out.splitlines()
    note = title.index("NOTE")
    assert {int(line.split()[0]): line[note:].rstrip() for line in lines} == {
        big: "no node has 512 CPUs",
        held: "",
        dead: "no worker is alive on node1",
        failed: "LAUNCH_ERROR: cannot run it",
    }
    assert re.search(r" 3h\b", next(line for line in lines if line.split()[0] == str(failed)))
    stage.worker(alive=True)
    assert "for its turn" in cli("jobs", f"id:{dead}").out


def test_on_80_columns_the_note_has_room(cli: Cli, stage: Scene) -> None:
    submit(cli, "--cpus", "512", "--name", "a" * 60, "--account", "a" * 30)
    title, line = on_terminal(cli, "jobs", columns=80)
    assert line.endswith("no node has 512 CPUs")
    assert "PARTITION" not in title
    assert on_terminal(cli, "jobs", columns=300)[0].split() == cli("jobs").out.splitlines()[0].split()


def test_a_dead_predecessor_is_no_row_of_its_own_and_has_no_load(cli: Cli, stage: Scene) -> None:
    old = stage.worker()
    stage.execute("UPDATE workers SET ended_at = now(), end_reason = 'superseded by a new worker of the node'")
    live = stage.worker(alive=True)
    assert [int(line.split()[0]) for line in cli("workers").out.splitlines()[1:]] == [live]
    both = {int(line.split()[0]): line for line in cli("workers", "--all").out.splitlines()[1:]}
    assert {number: "0/64" in line for number, line in both.items()} == {live: True, old: False}
    assert [row["id"] for row in cli("workers", "--json").json] == [live, old]
    assert on_terminal(cli, "workers", "--all", columns=80)[2].endswith("superseded by a new worker of the node")


def test_a_dead_predecessor_that_still_owns_a_job_is_listed(cli: Cli, stage: Scene) -> None:
    old = stage.worker()
    stage.run(old)
    live = stage.worker(alive=True)
    assert [int(line.split()[0]) for line in cli("workers").out.splitlines()[1:]] == [live, old]


def test_events_take_the_words_of_the_dashboard_and_a_time(cli: Cli, engine: Engine) -> None:
    first, second = submit(cli), submit(cli)
    cli("hold", first)
    cli("cancel", second, "--reason", "too slow")

    def found(*words: str | int) -> list[tuple[int, str]]:
        return [(event["job_id"], event["action"]) for event in cli("events", *words, "--json").json]

    assert found("action:hold,cancel") == [(first, "hold"), (second, "cancel")]
    assert found("state:cancelled") == found("slow") == [(second, "cancel")]
    assert found("!action:submit", "--job", first) == [(first, "hold")]
    with engine.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = replica"))  # without the guard of the audit
        conn.execute(text("UPDATE events SET at = at - interval '2 days' WHERE action = 'submit'"))
    assert found("--since", "1d") == [(first, "hold"), (second, "cancel")]
    assert found("--since", "3d", "action:submit") == [(first, "submit"), (second, "submit")]
    assert len(found("--since", "9" * 30 + "d")) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("actoin:kill", "did you mean action?"),
        ("state:lost", "no state 'lost'"),
        ("--since yesterday", "is not a length of time"),
    ],
)
def test_events_that_cannot_be_asked_for(cli: Cli, words: str, said: str) -> None:
    done = cli("events", *words.split())
    assert (done.code, done.out, said in done.err, done.err.count("\n")) == (2, "", True, 1)


def test_events_that_come_later_are_filtered_too(cli: Cli) -> None:
    job_id = submit(cli)
    cli("hold", job_id)
    follower = cli.start("events", "-f", "--json", "action:hold,cancel")
    assert follower.stdout is not None
    assert json.loads(follower.stdout.readline())["action"] == "hold"
    cli("unhold", job_id)
    cli("cancel", job_id)
    assert json.loads(follower.stdout.readline())["action"] == "cancel"
    follower.terminate()
    follower.wait(20)


def test_times_have_the_format_of_the_dashboard_and_a_zone(cli: Cli, stage: Scene) -> None:
    job = stage.run(stage.worker(alive=True))
    with stage.engine.begin() as conn:
        without_rules(conn, "jobs")
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        conn.execute(
            text(
                "UPDATE jobs SET state = 'COMPLETED', exit_code = 0, start_time = '2026-05-04 03:02:01+00',"
                " end_time = '2026-05-05 04:03:37+00', submit_time = '2026-05-04 03:02:00+00'"
            )
        )
    zone = "Asia/Kolkata"
    shown = cli("show", job.id, TZ=zone).out
    assert re.search(r"^started +2026-05-04 08:32:01\+05:30$", shown, re.MULTILINE)
    assert re.search(r"^elapsed +1-01:01:36$", shown, re.MULTILINE)
    assert " 1-01:01:36 " in cli("jobs").out
    assert "+05:30  " in cli("events", TZ=zone).out.splitlines()[1]

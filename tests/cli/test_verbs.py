"""Each verb on real rows, as a user types it."""

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from importlib.metadata import version

import pytest

from jobwarden.backend.cli.output import ROWS_AT_ONCE, TextColumn, print_table
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.database.engine import SCHEMA_VERSION
from tests.support.cli import Cli
from tests.support.rows import without_rules
from tests.support.scene import Scene, scene

JOB_COLUMNS = {
    *("id", "name", "account", "partition", "state", "priority", "script", "work_dir", "environment", "cpus"),
    *("memory_mb", "gpus", "time_limit", "submit_time", "start_time", "end_time", "exit_code", "exit_signal"),
    *("failure_reason", "error_msg", "node_name"),
}
WORKER_KEYS = {
    *("id", "node_name", "hostname", "pid", "state", "cpus", "cpus_allocated", "memory_mb", "memory_mb_allocated"),
    "heartbeat_at",
}


@pytest.fixture
def stage(engine: Engine, settings: Settings, mark: str) -> Iterator[Scene]:
    """A node with jobs that really run and no worker behind them."""
    with scene(engine, settings, mark) as made:
        yield made


def submit(cli: Cli, script: str, *options: str) -> int:
    done = cli("submit", *options, "-", input=script)
    assert done.code == 0, done.err
    return int(done.out)


def test_submit_prints_the_id_alone_and_keeps_everything(cli: Cli) -> None:
    (cli.cwd / "my job.sh").write_text("#JOBWARDEN --cpus 3 --memory 1G --env A=script --env B=script\ntrue\n")
    done = cli(
        "submit", "--memory", "2G", "--time", "1:30:00", "--priority", "-5", "--env", "B=b c\n\"'ü", "--env", "COPIED",
        "--account", "bob", "--partition", "gpu", "--hold", "my job.sh", "--wait", "two words", "", COPIED="mine",
    )  # fmt: skip
    assert (done.code, done.out, done.err) == (0, "1\n", "")
    job = cli("show", 1, "--json").json
    assert set(job) >= JOB_COLUMNS
    assert (job["name"], job["cpus"], job["memory_mb"], job["time_limit"]) == ("my job.sh", 3, 2048, 5400)
    assert (job["account"], job["partition"], job["priority"], job["held"]) == ("bob", "gpu", -5, True)
    assert job["arguments"] == ["--wait", "two words", ""]
    assert job["environment"] == {
        "A": "script", "B": "b c\n\"'ü", "COPIED": "mine",
        "JOBWARDEN_SCRIPT": f"{cli.cwd}/my job.sh", "JOBWARDEN_SUBMIT_DIR": str(cli.cwd),
    }  # fmt: skip
    assert job["work_dir"] == str(cli.cwd.resolve())
    assert job["pending_reason"] == "held"
    assert job["submit_time"].endswith("Z")
    assert [event["action"] for event in job["events"]] == ["submit"]
    assert job["allocations"] == []


def test_more_than_any_node_has_is_accepted_and_explained(cli: Cli, stage: Scene) -> None:
    job_id = submit(cli, "true\n", "--cpus", "512")
    shown = cli("show", job_id)
    assert "waiting: no node has 512 CPUs" in shown.out
    assert cli("show", job_id, "--json").json["pending_reason"] == "waiting: no node has 512 CPUs"


def test_jobs_lists_filters_and_limits(cli: Cli) -> None:
    for name in ("train-1", "train-2", "other"):
        submit(cli, "true\n", "--name", name)
    cli("cancel", 2)
    assert [job["name"] for job in cli("jobs", "--json").json] == ["other", "train-2", "train-1"]
    assert [job["id"] for job in cli("jobs", "name:train-*", "state:pending", "--json").json] == [1]
    assert [job["id"] for job in cli("jobs", "!train age<1h", "--json").json] == [3]
    assert [job["id"] for job in cli("jobs", "--limit", 1, "--json").json] == [3]
    assert set(cli("jobs", "--json").json[0]) >= JOB_COLUMNS
    table = cli("jobs").out.splitlines()
    assert table[0].split()[:2] == ["ID", "STATE"]
    assert [line.split()[0] for line in table[1:]] == ["1", "3", "2"]
    assert cli("jobs", "id:99", "--json").out == "[]\n"


def test_names_and_reasons_cannot_drive_the_terminal(cli: Cli, engine: Engine) -> None:
    job_id = submit(cli, "true\n")
    with engine.begin() as conn:
        without_rules(conn, "jobs")
        conn.execute(text(r"UPDATE jobs SET name = E'\x1b]0;owned\x07', error_msg = E'a\nb\x1b[2J'"))
    for verb in (["jobs"], ["show", job_id], ["events"]):
        assert "\x1b" not in cli(*verb).out
        assert "\x07" not in cli(*verb).out
    assert r"\x1b]0;owned" in cli("jobs").out


def test_actions_from_the_command_line(cli: Cli) -> None:
    job_id = submit(cli, "true\n")
    dry = cli("cancel", job_id, "--dry-run")
    assert (dry.code, "1 would be changed" in dry.out) == (0, True)
    assert cli("show", job_id, "--json").json["state"] == "PENDING"
    assert cli("hold", job_id).out == f"job {job_id}: held\n"
    assert cli("cancel", job_id, "--reason", "wrong").out.startswith(f"job {job_id}: CANCELLED")
    again = cli("cancel", job_id)
    assert (again.code, again.out) == (0, f"job {job_id} is already CANCELLED: nothing to do\n")
    refused = cli("unhold", job_id)
    assert (refused.code, refused.out) == (1, "")
    assert "CANCELLED" in refused.err
    assert cli("resubmit", job_id).code == 0
    event = cli("events", "--job", job_id, "--json").json[-1]
    assert (event["action"], event["reason"], event["to_state"]) == ("cancel", "wrong", "CANCELLED")
    assert "@" in event["actor"]


def test_many_destructive_targets_need_yes_without_a_terminal(cli: Cli, engine: Engine) -> None:
    ids = [submit(cli, "true\n") for _ in range(1)]
    with engine.begin() as conn:
        ids += conn.scalars(
            text(
                "INSERT INTO jobs (name, account, script, work_dir, memory_mb)"
                " SELECT 'n', 'a', 'true', '/', 1 FROM generate_series(1, 20) RETURNING id"
            )
        )
    done = cli("cancel", *ids)
    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.err
    assert len(cli("jobs", "state:pending", "--json").json) == 21
    assert cli("hold", *ids).code == 0
    assert cli("cancel", "--yes", *ids).code == 0
    assert len(cli("jobs", "state:cancelled", "--json").json) == 21


def test_workers_and_drain(cli: Cli, stage: Scene) -> None:
    stage.worker()
    live = stage.worker(alive=True)
    rows = cli("workers", "--json").json
    assert [(row["id"], row["state"]) for row in rows] == [(live, "ONLINE"), (live - 1, "DEAD")]
    assert set(rows[0]) >= WORKER_KEYS
    assert cli("drain", "node1", "--reason", "disk").code == 0
    assert [row["state"] for row in cli("workers", "--json").json] == ["DRAINING", "DEAD"]
    assert "disk" in cli("workers").out
    assert "nothing to do" in cli("drain", "node1").out
    assert cli("resume", "node1").code == 0
    assert cli("workers", "--json").json[0]["state"] == "ONLINE"


def test_orphans_and_clean(cli: Cli, stage: Scene) -> None:
    assert cli("orphans", "--json").json == []
    assert cli("clean").out == "no anomalies: nothing to clean up\n"
    job = stage.run(stage.worker())
    [row] = cli("orphans", "--json").json
    assert {"job_id", "kind", "node_name", "process_id", "detail"} <= set(row)
    assert (row["job_id"], row["kind"], row["process_id"]) == (job.id, "ORPHAN", job.pid)
    assert [row["job_id"] for row in cli("orphans", "kind:orphan", "node:*", "--json").json] == [job.id]
    assert cli("orphans", "kind:lost").out == "no anomaly matches\n"
    assert cli("orphans", "kind:lots").code == 2
    assert cli("clean", "kind:lost").out == "no job matches: nothing to do\n"
    assert cli("clean", "--dry-run").code == 0
    assert stage.state(job.id) == "RUNNING"
    assert cli("clean").out == f"job {job.id}: FAILED (OPERATOR), released\n"
    assert cli("clean", job.id).out == f"job {job.id} is not an anomaly: nothing to do\n"
    assert cli("orphans").out == "no anomalies\n"


def test_logs_are_raw_bytes_when_piped(cli: Cli, stage: Scene) -> None:
    job = stage.run(stage.worker(alive=True), r"printf 'one\ntwo\377\033[2J\n\000three'; sleep 600")
    job.said("three")
    whole = b"one\ntwo\xff\x1b[2J\n\0three"
    for options, expected in [((), whole), (("--tail", "1"), b"\0three"), (("--tail", "2"), whole[4:])]:
        done = subprocess.run(cli.command("logs", job.id, *options), env=cli.env, capture_output=True, check=True)
        assert done.stdout == expected


def test_logs_follow_to_the_end_of_the_job(cli: Cli, stage: Scene) -> None:
    worker = stage.worker(alive=True)
    go = cli.cwd / "go"
    job = stage.run(worker, f"echo first\nuntil [ -e '{go}' ]; do sleep 0.05; done\necho last\n")
    follower = cli.start("logs", "-f", str(job.id))
    assert follower.stdout is not None
    assert follower.stdout.readline() == "first\n"
    go.touch()
    job.ended()
    stage.execute("UPDATE jobs SET state = 'FAILED' WHERE id = :id", id=job.id)
    assert follower.communicate(timeout=20) == ("last\n", "")
    assert follower.returncode == 0


def test_logs_of_a_job_whose_worker_died_are_followed_while_it_lives(cli: Cli, stage: Scene) -> None:
    go = cli.cwd / "go"
    job = stage.run(stage.worker(), f"echo first\nuntil [ -e '{go}' ]; do sleep 0.05; done\necho last\n")
    follower = cli.start("logs", "-f", str(job.id))
    assert follower.stdout is not None
    assert follower.stderr is not None
    assert follower.stdout.readline() == "first\n"
    dead = "its processes live, and are followed"
    assert follower.stderr.readline() == f"jobwarden: job {job.id}: worker 1 of node1 is dead; {dead}\n"
    go.touch()
    job.ended()
    out, err = follower.communicate(timeout=60)
    assert out == "last\n"
    assert "its processes are gone: this is all there is" in err
    assert (follower.returncode, stage.state(job.id)) == (0, "RUNNING")


def test_logs_follow_across_the_adoption_by_a_new_worker(cli: Cli, stage: Scene) -> None:
    job = stage.run(stage.worker(), "echo first\nexec sleep 600\n")
    follower = cli.start("logs", "-f", str(job.id))
    assert follower.stderr is not None
    assert "is dead" in follower.stderr.readline()
    new = stage.worker(alive=True)
    stage.execute("UPDATE resource_allocations SET worker_id = :new WHERE job_id = :id", new=new, id=job.id)
    assert follower.stderr.readline() == f"jobwarden: job {job.id}: worker {new} of node1 has taken it over\n"
    stage.execute("UPDATE jobs SET state = 'FAILED' WHERE id = :id", id=job.id)
    assert follower.communicate(timeout=60) == ("first\n", "")


def test_logs_that_are_not_here(cli: Cli, stage: Scene) -> None:
    waiting = submit(cli, "true\n")
    assert "not started" in cli("logs", waiting).err
    far = stage.run(stage.worker(machine_id="elsewhere", boot_id="another"), boot_id="another")
    done = cli("logs", far.id)
    assert (done.code, done.out) == (1, "")
    assert "host host" in done.err


def test_events_follow(cli: Cli) -> None:
    job_id = submit(cli, "true\n")
    follower = cli.start("events", "-f", "--json", "--job", str(job_id), PYTHONFAULTHANDLER="1")
    assert follower.stdout is not None
    assert json.loads(follower.stdout.readline())["action"] == "submit"
    cli("hold", job_id)
    assert json.loads(follower.stdout.readline())["action"] == "hold"
    follower.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        follower.wait(20)
    follower.send_signal(signal.SIGABRT)  # One that hangs tells where.
    assert follower.stderr is not None
    assert follower.stderr.read() == ""
    assert follower.wait(20) == 130


def test_a_reader_that_leaves_is_no_error(cli: Cli, engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO jobs (name, account, script, work_dir, memory_mb)"
                " SELECT 'n', 'a', 'true', '/', 1 FROM generate_series(1, 5000)"
            )
        )
    reader = cli.start("jobs", "--json")
    assert reader.stdout is not None
    reader.stdout.readline()
    reader.stdout.close()
    assert reader.stderr is not None
    assert reader.stderr.read() == ""
    assert reader.wait(20) == 141


def test_config_hides_passwords(cli: Cli) -> None:
    done = cli("config", "--json", DATABASE_URL="postgresql://me:sesame@host/db")
    assert "sesame" not in done.out
    origins = {line["name"]: line["origin"] for line in done.json}
    assert (origins["database_url"], origins["lease_seconds"]) == ("DATABASE_URL", "default")


def test_db(cli: Cli, empty_database_url: str, settings: Settings) -> None:
    assert cli("db", "url").out.strip() == settings.database_url
    assert "nothing to do" in cli("db", "upgrade").out
    assert cli("db", "current").code == 0
    assert cli("db", "current", DATABASE_URL=empty_database_url).code == 1
    assert cli("db", "upgrade", DATABASE_URL=empty_database_url).code == 0
    assert cli("db", "current", DATABASE_URL=empty_database_url).out == f"{SCHEMA_VERSION}\n"


def test_what_a_script_says_in_vain_is_told(cli: Cli) -> None:
    script = "#!/bin/sh\n#jobwarden --time 1m\n#JOBWARDEN --cpus 2\necho\n#JOBWARDEN --gpus 1\n"
    done = cli("submit", "--hold", "-", input=script)
    assert (done.code, done.out) == (0, "1\n")
    assert done.err.splitlines() == [
        "jobwarden: warning: standard input: line 2: '#jobwarden --time 1m' is ignored:"
        " write '#JOBWARDEN --time 1m' at the beginning of the line",
        "jobwarden: warning: standard input: line 5: '#JOBWARDEN --gpus 1' is ignored: it is below the first command",
    ]


@pytest.mark.parametrize("words", ["help", "help submit", "help db upgrade"])
def test_help_is_a_verb_too(cli: Cli, words: str) -> None:
    verbs = words.split()[1:]
    done = cli(*words.split())
    assert (done.code, done.out, done.err) == (0, cli(*verbs, "--help").out, "")


@pytest.mark.parametrize(("words", "said"), [("help sumbit", "did you mean submit"), ("help jobs x", "has no verb")])
def test_help_of_what_is_none(cli: Cli, words: str, said: str) -> None:
    done = cli(*words.split())
    assert (done.code, said in done.err, done.err.count("\n")) == (2, True, 1)


def test_every_way_to_ask_for_the_version(cli: Cli) -> None:
    assert {cli(option).out for option in ("-v", "-V", "--version")} == {f"jobwarden {version('jobwarden')}\n"}


def test_an_empty_list_says_so(cli: Cli) -> None:
    none = cli("jobs")
    assert (none.code, none.out.count("\n")) == (0, 1)
    assert none.err == "no jobs yet: `jobwarden submit SCRIPT` makes one\n"
    assert cli("jobs", "state:failed").err == "no job matches\n"
    assert cli("jobs", "--json").err == ""


def test_a_listing_streams(cli: Cli, engine: Engine) -> None:
    """The first lines are there while the rest is still to be read: wide names come later and do no harm."""
    with engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO jobs (name, account, script, work_dir, memory_mb)"
                " SELECT CASE WHEN i > 4990 THEN repeat('w', 90) ELSE 'n' END, 'a', 'true', '/', 1"
                " FROM generate_series(1, 5000) i"
            )
        )
    asked: list[int] = []

    def rows() -> Iterator[dict[str, int]]:
        for number in range(10 * ROWS_AT_ONCE):
            asked.append(number)
            yield {"n": number}

    with pytest.raises(StopIteration), pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobwarden.backend.cli.output.say", lambda line: next(iter(())))
        print_table((TextColumn("N", lambda row: row["n"]),), rows())
    assert len(asked) == ROWS_AT_ONCE
    lines = cli("jobs").out.splitlines()
    assert (len(lines), lines[1].split()[0]) == (5001, "1")
    assert " " + "w" * 90 + " " in lines[-1]


def test_the_former_name_of_housekeeping_works_and_is_not_listed(cli: Cli) -> None:
    assert cli("cleanup", "--dry-run").out == cli("housekeeping", "--dry-run").out
    assert cli("help", "cleanup").out == cli("help", "housekeeping").out
    assert "housekeeping" in cli("--help").out and "cleanup" not in cli("--help").out

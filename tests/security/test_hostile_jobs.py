"""One hostile or merely broken job: it harms neither its node nor another job, and cannot lie about its end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from jobwarden.backend.process.record import Record, RecordKind
from tests.support.cli import Cli
from tests.support.processes import wait_until
from tests.support.rows import without_rules
from tests.worker.farm import PATIENCE, Farm, alive

FOLDER = 'folder=$(dirname "$0"); status=$folder/exit_status; group=$folder/control_group; rm -f "$status"\n'
KILL_SHIM = 'kill -9 $(cut -d" " -f4 /proc/$$/stat)\n'
WAIT = "echo $$ > pid\nsleep 600\n"

IN_THE_PLACE_OF_THE_RECORD = {
    "a named pipe": 'mkfifo "$status"',
    "a directory": 'mkdir "$status"',
    "a link to itself": 'ln -s "$status" "$status"',
    "a link to an endless device": 'ln -s /dev/zero "$status"',
    "a link to a terminal": 'ln -s /dev/tty "$status"',
    "a file nobody may read": ': > "$status"; chmod 000 "$status"',
    "a folder nobody may enter": 'chmod 000 "$folder"',
    "a socket": "python3 -c 'import socket,sys; socket.socket(1).bind(sys.argv[1])' \"$status\"",
    "an oversized errno": "printf 'launch x 2147483648 1\\ngone\\n' > \"$status\"",
    "an oversized code": "printf 'exit 99999999999999999999 1 1 1 1\\ngone\\n' > \"$status\"",
    "an endless line": 'head -c 3000000 /dev/zero | tr "\\0" 9 > "$status"',
    "nothing": ":",
}
IN_THE_PLACE_OF_THE_GROUP = {
    "a named pipe": 'rm -f "$group"; mkfifo "$group"',
    "a directory": 'rm -f "$group"; mkdir "$group"',
    "a link to an endless device": 'rm -f "$group"; ln -s /dev/zero "$group"',
    "a hundred thousand steps": 'rm -f "$group"; head -c 100000 /dev/zero | tr "\\0" x | sed "s/x/x\\//g" > "$group"',
}


def node_works(farm: Farm) -> None:
    """The next job of the node runs as ever, and the node is not drained."""
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"
    assert not farm.scalar("SELECT bool_or(drained) FROM nodes")


def listed(cli: Cli) -> None:
    """What an operator types at such a moment answers."""
    for verb in (("orphans",), ("jobs",), ("health",), ("clean", "--dry-run")):
        done = cli(*verb, timeout=30)
        assert done.code in (0, 1), done
        assert "Traceback" not in done.err


@pytest.mark.attempt("files of all kinds in the place of the exit status", fault=2)
@pytest.mark.parametrize("what", IN_THE_PLACE_OF_THE_RECORD)
def test_what_a_job_puts_in_the_place_of_its_record(farm: Farm, what: str) -> None:
    """One job puts something unreadable where its exit status belongs, and its node hangs or dies for good."""
    worker = farm.worker()
    job = farm.submit(f"{FOLDER}{IN_THE_PLACE_OF_THE_RECORD[what]}\n{WAIT}")
    script = farm.number("pid")
    node_works(farm)
    listed(farm.cli)
    worker.kill()
    listed(farm.cli)
    farm.worker()
    node_works(farm)
    done = farm.cli("kill", "--yes", str(job), timeout=40)
    assert done.code == 0, done
    row = farm.ended(job)
    assert (row.state, row.failure_reason, alive(script)) == ("FAILED", "OPERATOR", False)


@pytest.mark.attempt("files of all kinds in the place of the control group", fault=2)
@pytest.mark.parametrize("what", IN_THE_PLACE_OF_THE_GROUP)
def test_what_a_job_puts_in_the_place_of_its_group(farm: Farm, what: str) -> None:
    """One job puts something unreadable where its control group is named, and its node hangs or dies for good."""
    worker = farm.worker()
    job = farm.submit(f"{FOLDER}{IN_THE_PLACE_OF_THE_GROUP[what]}\n{WAIT}")
    farm.number("pid")
    worker.kill()
    listed(farm.cli)
    farm.worker()
    node_works(farm)
    assert farm.cli("kill", "--yes", str(job), timeout=40).code == 0
    assert farm.ended(job).failure_reason == "OPERATOR"


FORGED = {
    "success": "exit 0 1 1 1 1\ngone\n",
    "failure": "exit 7 1 1 1 1\ngone\n",
    "never": "never 1\ngone\n",
    "launch": "launch exec 2 1\ngone\n",
}


@pytest.mark.attempt("a record written by the job, its supervisor killed", fault=8)
@pytest.mark.parametrize("word", FORGED)
def test_a_forged_record_is_not_believed(farm: Farm, word: str) -> None:
    """A job kills its supervisor and says itself how it ended, while it lives on or never to be seen again."""
    farm.worker()
    job = farm.submit(f'echo ran >> runs\n{FOLDER}printf "{FORGED[word]}" > "$status"\n{KILL_SHIM}{WAIT}')
    script = farm.number("pid")
    row = farm.ended(job)
    assert (row.state, row.failure_reason, row.exit_code) == ("FAILED", "WORKER_LOST", None)
    assert "is not what its supervisor wrote" in row.error_msg
    assert not alive(script), "released while it lives"
    assert (farm.work / "runs").read_text() == "ran\n"


@pytest.mark.attempt("a record written by the job while no worker is there", fault=8)
@pytest.mark.parametrize("word", FORGED)
def test_a_forged_record_is_not_believed_after_a_restart(farm: Farm, word: str) -> None:
    """The same under a dead worker: the next one must not take the job's word for it."""
    worker = farm.worker()
    wait = "echo $$ > pid\nuntil [ -e go ]; do sleep 0.05; done\n"
    forge = f'{FOLDER}printf "{FORGED[word]}" > "$status"\n{KILL_SHIM}'
    job = farm.submit(f"{wait}{forge}echo $$ > lives\nsleep 600")
    farm.number("pid")
    worker.kill()
    (farm.work / "go").touch()
    script = farm.number("lives")
    assert '"ORPHAN"' in farm.cli("orphans", "--json").out
    farm.worker()
    row = farm.ended(job)
    assert (row.state, row.failure_reason, alive(script)) == ("FAILED", "WORKER_LOST", False)


@pytest.mark.attempt("another job's folder: a foreign record", fault=8)
def test_the_record_of_another_job_is_not_believed(farm: Farm) -> None:
    """A job copies the true record of one that ended well into the folder of one that runs."""
    farm.worker()
    good = farm.submit("exit 0")
    farm.ended(good)
    victim, go = farm.submit_waiting(name="victim")
    allocation = farm.started(victim)
    source, target = (Path(farm.allocation(job).spool_dir, "exit_status") for job in (good, victim))
    thief = farm.submit('rm -f "$2"; cp "$1" "$2"', str(source), str(target))
    farm.ended(thief)
    node_works(farm)
    assert farm.job(victim).state == "RUNNING"
    assert alive(allocation.process_id)
    go.write_text("3\n")
    row = farm.ended(victim)
    assert (row.state, row.exit_code) == ("FAILED", 3), "its worker is its parent, and saw how it ended"


@pytest.mark.attempt("'never started' over and over", fault=8)
def test_a_job_that_never_starts_is_given_up(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put back for ever takes a place in the queue and the time of its node for ever."""
    from jobwarden.backend.state import machine
    from jobwarden.backend.state.records import Placement

    worker = farm.worker()
    worker.send(signal.SIGSTOP)
    job = farm.submit("echo ran >> runs", cpus=1)
    with farm.engine.begin() as conn:
        for _ in range(machine.MOST_ATTEMPTS):
            [(allocation, _, _)] = machine.allocate(conn, [Placement(job, "node1", worker.id)])
            assert machine.requeue(conn, [allocation], "worker:node1", "its script never started") == {allocation}
    row = farm.job(job)
    assert (row.state, row.failure_reason) == ("FAILED", "LAUNCH_ERROR")
    assert "never started" in row.error_msg
    worker.send(signal.SIGCONT)
    node_works(farm)


@pytest.mark.attempt("the supervisor killed, children without marks, no control group", fault=13)
def test_what_only_its_session_shows_drains_no_node(farm: Farm) -> None:
    """A job without any mark left kills its supervisor: its node was drained for good."""
    farm.worker(JOBWARDEN_CGROUP="off")
    code = 'echo $$ > pid\ncd /\nexec env -i /bin/sh -c "kill -9 $PPID; exec sleep 600 >/dev/null 2>&1"'
    for _ in range(4):
        (farm.work / "pid").unlink(missing_ok=True)
        job = farm.submit(code)
        script = farm.number("pid")
        row = farm.ended(job)
        assert (row.state, row.failure_reason, alive(script)) == ("FAILED", "WORKER_LOST", False)
    node_works(farm)


@pytest.mark.attempt("a drain for what was stuck and is gone", fault=13)
def test_a_drain_is_taken_back_when_what_was_stuck_is_gone(farm: Farm) -> None:
    """A node drained for one job stays so for good, and health says nothing."""
    from jobwarden.backend.state import machine

    farm.worker()
    job, go = farm.submit_waiting()
    allocation = farm.started(job)
    with farm.engine.begin() as conn:
        assert machine.mark_stuck(conn, allocation.id, "worker:node1", "pid 1 survives KILL")
    assert farm.scalar("SELECT drained FROM nodes")
    assert farm.cli("health").code == 1
    go.write_text("0\n")
    farm.ended(job)
    node_works(farm)
    actions = [row[0] for row in farm.rows("SELECT action FROM events WHERE job_id IS NULL ORDER BY id DESC LIMIT 1")]
    assert actions == ["resume"]


@pytest.mark.attempt("an operator's drain stays although a stuck job ends")
def test_a_drain_of_an_operator_stays(farm: Farm) -> None:
    """What an operator has drained for his own reasons is not given back by a job that ends."""
    from jobwarden.backend.state import machine

    farm.worker()
    job, go = farm.submit_waiting()
    allocation = farm.started(job)
    assert farm.cli("drain", "node1", "--reason", "new disk").code == 0
    with farm.engine.begin() as conn:
        assert machine.mark_stuck(conn, allocation.id, "worker:node1", "pid 1 survives KILL")
    go.write_text("0\n")
    farm.ended(job)
    assert farm.scalar("SELECT drain_reason FROM nodes") == "new disk"


@pytest.mark.attempt("fork bomb, kill -9 -1 and STOP of the supervisor")
@pytest.mark.parametrize("script", ["kill -STOP $PPID", "kill -STOP 0", ":"])
def test_a_stopped_supervisor_can_be_killed(farm: Farm, script: str) -> None:
    """A job stops the process that watches it."""
    farm.worker()
    job = farm.submit(f"echo $$ > pid\n{script}\nsleep 600")
    farm.number("pid")
    assert farm.cli("kill", "--yes", str(job), timeout=40).code == 0
    assert farm.ended(job).failure_reason == "OPERATOR"
    node_works(farm)


GARBAGE: dict[str, str] = {
    "arguments": """'[1, null]'""",
    "arguments of lists": """'[["x"]]'""",
    "environment": """'{"A": 1}'""",
    "environment name": """'{"A=B": "c"}'""",
    "environment without name": """'{"": "c"}'""",
    "work_dir": """'relative'""",
    "work_dir of dots": """'/../../../nowhere'""",
    "script": """E'\\x01\\x02\\x7fELF'""",
    "memory_mb": "9223372036854775807",
    "time_limit": "2147483647",
    "environment size": """json_build_object('A', repeat('x', 300000))""",
    "arguments size": """json_build_array(repeat('x', 300000))""",
    "submitted_by": "repeat('x', 10000)",
}


@pytest.mark.attempt("a job with every field in turn garbage", fault=3)
@pytest.mark.parametrize("field", GARBAGE)
def test_a_job_of_garbage_is_its_own_failure(farm: Farm, field: str) -> None:
    """One row of garbage ends every worker that gets it, over and over."""
    worker = farm.worker()
    job = farm.submit("echo ran", held=True)
    column = field.split(" ")[0]
    with farm.engine.begin() as conn:
        without_rules(conn, "jobs")
    farm.forge(f"UPDATE jobs SET {column} = {GARBAGE[field]} WHERE id = :job", job=job)
    farm.execute("UPDATE jobs SET held = false WHERE id = :job", job=job)
    if column == "memory_mb":  # fits no node: it waits, and nothing else does
        node_works(farm)
    else:
        assert farm.ended(job).state in ("FAILED", "COMPLETED")
    node_works(farm)
    assert worker.process.poll() is None, worker.said
    listed(farm.cli)


def _deep(folder: Path, levels: int) -> None:
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)


def _wide(folder: Path, count: int) -> None:
    for number in range(count):
        (folder / f"f{number}").touch()


def _shut(folder: Path) -> None:
    (folder / "shut" / "inner").mkdir(parents=True)
    (folder / "shut" / "inner" / "file").touch()
    (folder / "shut" / "inner").chmod(0)
    (folder / "shut").chmod(0)


def _round(folder: Path) -> None:
    (folder / "up").symlink_to("..")
    (folder / "self").symlink_to("self")
    (folder / "root").symlink_to("/")


TREES: dict[str, Callable[[Path], None]] = {
    "deep": lambda folder: _deep(folder, 5000),
    "wide": lambda folder: _wide(folder, 5000),
    "shut": _shut,
    "round": _round,
}


@pytest.mark.attempt("deep, huge, round and unreadable trees in the spool", fault=10)
@pytest.mark.parametrize("kind", TREES)
def test_cleanup_removes_whatever_a_job_has_built(farm: Farm, kind: str, tmp_path: Path) -> None:
    """1,500 nested folders end the clean-up of every night, and nothing is archived."""
    keep = tmp_path / "keep"
    keep.mkdir()
    (keep / "file").touch()
    farm.worker()
    job = farm.submit("exit 0")
    farm.ended(job)
    folder = Path(farm.allocation(job).spool_dir)
    TREES[kind](folder)
    (folder / "link").symlink_to(keep)
    done = farm.cli("cleanup", "--max-age-hours", "0", "--yes", timeout=60)
    assert done.code == 0, done
    wait_until(lambda: not folder.exists(), PATIENCE, "the folder to go")
    assert (keep / "file").exists()


@pytest.mark.attempt("`logs` on a named pipe, a link, a directory", fault=2)
@pytest.mark.parametrize(
    "what", ['mkfifo "$log"', 'ln -s /etc/shadow "$log"', 'ln -s /dev/zero "$log"', 'mkdir "$log"', "chmod 0 $folder"]
)
def test_logs_of_something_else(farm: Farm, what: str) -> None:
    """Whoever looks at the log of a job hangs, reads another file, or sees an unexpected error."""
    farm.worker()
    job = farm.submit(f'folder=$(dirname "$0"); log=$folder/output.log; rm -f "$log"; {what}; echo $$ > pid')
    farm.number("pid")
    farm.ended(job)
    done = farm.cli("logs", str(job), timeout=20)
    assert "root:" not in done.out
    if "chmod" not in what:
        assert (done.code, done.err.count("\n")) == (1, 1), done
        assert "cannot be read: it is a" in done.err


def test_a_true_record_still_counts(farm: Farm) -> None:
    """The other side: what the supervisor wrote is believed, also by the next worker."""
    worker = farm.worker()
    job, go = farm.submit_waiting()
    allocation = farm.started(job)
    worker.kill()
    go.write_text("5\n")
    farm.gone(allocation.process_id)
    record = farm.record(job)
    assert isinstance(record, Record)
    assert (record.kind, record.value, record.gone) == (RecordKind.EXIT, 5, True)
    farm.worker()
    assert farm.ended(job).exit_code == 5

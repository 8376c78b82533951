"""Starting scripts: what can go wrong there, what they get, and what they leave behind."""

import os
import re
import resource
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from jobwarden.backend.state import machine
from tests.worker.farm import Farm, alive, go


def release(farm: Farm, job: int) -> None:
    """Let a held job go."""
    with farm.engine.begin() as conn:
        assert machine.set_held(conn, [job], False, "op@desk", None)


def submit_raw(farm: Farm, script: str) -> int:
    """A script as it is, without our first line."""
    with farm.engine.begin() as conn:
        return machine.submit(conn, [replace(farm.request(""), script=script)], "tester")[0]


def test_a_work_dir_that_vanished_is_named(farm: Farm) -> None:
    farm.worker()
    folder = farm.work / "soon gone"
    folder.mkdir()
    job = farm.submit("echo run", held=True, work_dir=str(folder))
    folder.rmdir()
    release(farm, job)
    row = farm.ended(job)
    assert (row.state, row.failure_reason, row.exit_code) == ("FAILED", "LAUNCH_ERROR", None)
    assert row.error_msg == f"cannot change to {folder}: No such file or directory"


def test_an_interpreter_that_does_not_exist_is_named(farm: Farm) -> None:
    farm.worker()
    row = farm.ended(submit_raw(farm, "#!/no/such/interpreter -x\necho run\n"))
    assert (row.failure_reason, row.exit_code) == ("LAUNCH_ERROR", None)
    assert "interpreter /no/such/interpreter not found" in row.error_msg


def test_an_unusable_spool_fails_the_job_and_not_the_worker(farm: Farm) -> None:
    worker = farm.worker()
    shutil.rmtree(farm.spool())
    farm.spool().touch()
    row = farm.ended(farm.submit("exit 0"))
    assert row.failure_reason == "LAUNCH_ERROR"
    assert str(farm.spool()) in row.error_msg
    farm.spool().unlink()
    farm.spool().mkdir(mode=0o700)
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"
    assert worker.process.poll() is None


def test_a_folder_that_is_there_already_is_not_run_in_again(farm: Farm) -> None:
    """The allocation id is the token of one attempt: its folder means that it was attempted. The job gets another."""
    farm.worker()
    first = farm.submit("exit 0")
    farm.ended(first)
    following = farm.allocation(first).id + 1
    for number in range(following, following + 8):
        (farm.spool() / str(number)).mkdir()
    jobs = [farm.submit("echo run >> runs") for _ in range(4)]
    assert [farm.ended(job).state for job in jobs] == ["COMPLETED"] * 4
    assert (farm.work / "runs").read_text() == "run\n" * 4
    assert min(farm.allocation(job).id for job in jobs) >= following + 8
    assert all(not list((farm.spool() / str(number)).iterdir()) for number in range(following, following + 8))
    assert farm.scalar("SELECT count(*) FROM events WHERE action = 'ids-raised'") == 1
    assert "is there already" in farm.scalar("SELECT reason FROM events WHERE action = 'requeue' LIMIT 1")


def test_one_bad_job_does_not_hold_up_its_batch(farm: Farm) -> None:
    jobs = [farm.submit("exit 0") for _ in range(5)]
    bad = submit_raw(farm, "#!/no/such/interpreter\n")
    jobs += [farm.submit("exit 0") for _ in range(5)]
    farm.worker()
    assert {farm.ended(job).state for job in jobs} == {"COMPLETED"}
    assert farm.ended(bad).failure_reason == "LAUNCH_ERROR"


def test_a_daemon_is_heard_out_and_ended_with_its_script(farm: Farm) -> None:
    farm.worker()
    job = farm.submit(
        """echo script
        (setsid sh -c 'exec 2> /dev/null; trap "echo last words; exit" TERM; echo daemon; echo $$ > pid
                       while :; do sleep 0.05; done' &)
        until [ -s pid ]; do sleep 0.05; done
        exit 7"""
    )
    row = farm.ended(job)
    assert (row.state, row.exit_code, row.failure_reason) == ("FAILED", 7, "SCRIPT_ERROR")
    assert farm.log(job) == b"script\ndaemon\nlast words\n"
    assert not alive(farm.number("pid"))


def test_the_end_time_is_the_scripts_own(farm: Farm) -> None:
    """Not that of a daemon that needs the whole grace."""
    farm.worker(JOBWARDEN_KILL_GRACE_SECONDS="2")
    job = farm.submit(
        """(setsid sh -c 'trap "" TERM; echo $$ > pid; while :; do sleep 0.05; done' &)
        until [ -s pid ]; do sleep 0.05; done"""
    )
    row, allocation = farm.ended(job), farm.allocation(job)
    assert row.state == "COMPLETED"
    assert abs(row.end_time.timestamp() - farm.recorded(job).end_ns / 1e9) < 1e-3
    assert (allocation.released_time - row.end_time).total_seconds() >= 1.9


def test_nothing_of_the_worker_leaks_into_a_job(farm: Farm) -> None:
    farm.worker(SECRET_OF_THE_WORKER="x", DATABASE_URL=str(farm.settings.database_url))
    # Built-in commands for the masks: while a shell forks, it blocks signals itself.
    script = 'env; ls -l /proc/$$/fd; while read -r line; do echo "$line"; done < /proc/$$/status'
    job = farm.submit(script)
    farm.ended(job)
    log = farm.log(job).decode()
    assert "SECRET_OF_THE_WORKER" not in log
    assert "DATABASE_URL" not in log
    assert f"JOBWARDEN_JOB_ID={job}\n" in log
    assert "socket:" not in log
    assert "pipe:" not in log  # its output is one, with a name of its own
    assert len(re.findall(rf"/{job}/output\.[0-9a-f]{{32}}$", log, re.MULTILINE)) == 2
    masks = {name: int(value, 16) for name, value in re.findall(r"Sig(Blk|Ign):\s(\w+)", log)}
    assert (masks["Blk"], masks["Ign"]) == (0, 0)


LIMITS = "umask; ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Ss; nice"


def test_limits_of_a_job_are_no_accident_of_who_started_its_worker(farm: Farm) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    started = 'umask 077; ulimit -Sn 500; ulimit -Sc 4096; ulimit -Ss 4096; exec nice -n 10 "$@"'
    worker = farm.worker(prefix=("sh", "-c", started, "sh"))
    assert resource.prlimit(worker.pid, resource.RLIMIT_NOFILE) > (500, hard)
    job = farm.submit(LIMITS)
    farm.ended(job)
    most = "unlimited" if hard == resource.RLIM_INFINITY else str(hard)
    nice = "0" if os.geteuid() == 0 else "10"
    assert farm.log(job).decode().split() == ["0022", "1024", most, "0", "8192", nice]


def test_limits_of_a_job_as_set_but_within_what_the_worker_may(farm: Farm) -> None:
    worker = farm.worker(
        prefix=("sh", "-c", 'ulimit -n 1500; exec "$@"', "sh"),
        JOBWARDEN_JOB_UMASK="027", JOBWARDEN_JOB_OPEN_FILES="4000",
    )  # fmt: skip
    assert resource.prlimit(worker.pid, resource.RLIMIT_NOFILE) == (1500, 1500)
    job = farm.submit("umask; ulimit -Sn; ulimit -Hn")
    farm.ended(job)
    assert farm.log(job).decode().split() == ["0027", "1500", "1500"]


def test_ps_finds_the_script_by_its_job(farm: Farm) -> None:
    farm.worker()
    job, file = farm.submit_waiting("echo $$ > pid")
    script = farm.number("pid")
    assert f"job_{job}.sh" in Path(f"/proc/{script}/cmdline").read_bytes().decode()
    assert f"job_{job}.sh" in Path(f"/proc/{farm.allocation(job).process_id}/cmdline").read_bytes().decode()
    go(file)
    farm.ended(job)


def test_the_spool_is_private(farm: Farm) -> None:
    farm.worker()
    job = farm.submit("echo secret")
    farm.ended(job)
    folder = Path(farm.allocation(job).spool_dir)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (farm.spool(), folder, *folder.iterdir())}
    assert modes.pop("control_group", 0o600) == 0o600, "only there where the worker can make one"
    assert modes == {
        "node1": 0o700, folder.name: 0o700, f"job_{job}.sh": 0o700, "output.log": 0o600, "exit_status": 0o600,
            "identity": 0o600,
    }  # fmt: skip


def test_no_zombie_is_left_of_many_jobs(farm: Farm) -> None:
    worker = farm.worker()
    for job in [farm.submit("exit 0") for _ in range(20)]:
        farm.ended(job)
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    assert children == []
    assert len(list(Path(f"/proc/{worker.pid}/fd").iterdir())) < 40


def test_the_pid_is_known_before_the_first_instruction(farm: Farm) -> None:
    """The script itself asks the database, as its very first act, which process it is recorded as."""
    farm.worker()
    query = "SELECT 'mine=' || (process_id = %s) FROM resource_allocations WHERE job_id = %s"
    script = (
        "import os, psycopg2\n"
        f"conn = psycopg2.connect({farm.settings.database_url!r})\n"
        "cursor = conn.cursor()\n"
        f"cursor.execute({query!r}, (os.getppid(), os.environ['JOBWARDEN_JOB_ID']))\n"
        "print(cursor.fetchone()[0])\n"
    )
    jobs = [submit_raw(farm, f"#!{sys.executable}\n{script}") for _ in range(5)]
    for job in jobs:
        assert farm.ended(job).state == "COMPLETED", farm.log(job)
        assert farm.log(job) == b"mine=true\n"

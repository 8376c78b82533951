"""Jobs that do not do as they are told."""

import sys

from tests.real.conftest import Desk
from tests.support.processes import is_gone, wait_until
from tests.worker.farm import PATIENCE

DAEMON = """#!{python}
import os, sys, time
if os.fork():
    print("parent", flush=True)
    while not os.path.exists("daemon.pid"):
        time.sleep(0.01)
    sys.exit(6)
os.setsid()
if os.fork():
    os._exit(0)
print("daemon", flush=True)
open("new", "w").write(str(os.getpid()))
os.rename("new", "daemon.pid")
time.sleep(1000)
"""


def test_a_daemon_by_double_fork_ends_with_its_job(desk: Desk) -> None:
    job, code = desk.run(desk.write("daemon.py", DAEMON.format(python=sys.executable)))
    assert (job["state"], job["exit_code"], code) == ("FAILED", 6, 6)
    assert is_gone(int((desk.folder / "daemon.pid").read_text()))
    assert sorted(desk.logs(job["id"]).split()) == [b"daemon", b"parent"]
    assert [allocation["released"] for allocation in job["allocations"]] == [True]


def test_a_job_that_ignores_term_is_killed_at_its_time_limit(desk: Desk) -> None:
    script = desk.write("deaf.sh", "trap '' TERM HUP INT\necho $$ > pid\nwhile :; do sleep 0.1; done\n")
    job, code = desk.run(script, options=("--time", "1s"))
    assert (job["state"], job["failure_reason"], job["exit_signal"], code) == ("FAILED", "TIMEOUT", 9, 137)
    assert is_gone(int((desk.folder / "pid").read_text()))
    assert job["time_limit"] == 1


def test_a_job_that_ignores_term_is_cancelled_all_the_same(desk: Desk) -> None:
    script = desk.write("deaf.sh", "trap '' TERM HUP INT\necho $$ > pid\nwhile :; do sleep 0.1; done\n")
    job_id, _ = desk.submit(script)
    pid_file = desk.folder / "pid"
    wait_until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"), PATIENCE)
    done = desk.farm.cli("cancel", job_id, "--yes", "--reason", "wrong data")
    assert done.code == 0, done
    job = desk.state(job_id, "CANCELLED", "FAILED", "COMPLETED")
    assert (job["state"], is_gone(int(pid_file.read_text()))) == ("CANCELLED", True)
    [event] = [event for event in job["events"] if event["action"] == "cancel"]
    assert event["reason"] == "wrong data"
    again = desk.farm.cli("cancel", job_id, "--yes")
    assert (again.code, again.out) == (0, f"job {job_id} is already CANCELLED: nothing to do\n"), again
    assert desk.show(job_id)["end_time"] == job["end_time"]


def test_a_job_that_kills_its_process_group_is_recorded(desk: Desk) -> None:
    job, code = desk.run(desk.write("suicide.sh", "sleep 1000 &\nkill -9 0\n"))
    assert (job["state"], job["exit_signal"], code) == ("FAILED", 9, 137)


def test_a_job_that_closes_its_output_and_removes_its_own_script(desk: Desk) -> None:
    script = 'echo before\nrm -f "$0"\nexec >&- 2>&-\necho nowhere\nexit 8\n'
    job, _ = desk.run(desk.write("hermit.sh", script))
    assert (job["exit_code"], desk.logs(job["id"])) == (8, b"before\n")


def test_a_job_that_reads_its_input_gets_none(desk: Desk) -> None:
    job, _ = desk.run(desk.write("reader.sh", "cat\necho end\n"))
    assert (job["state"], desk.logs(job["id"])) == ("COMPLETED", b"end\n")


def test_many_children_at_once_are_all_ended(desk: Desk) -> None:
    script = "for n in $(seq 100); do sleep 1000 & done\necho ready > ready\nwait\n"
    job_id, _ = desk.submit(desk.write("crowd.sh", script))
    wait_until((desk.folder / "ready").exists, PATIENCE)
    assert desk.farm.cli("kill", job_id, "--yes").code == 0
    job = desk.state(job_id, "FAILED")
    assert job["failure_reason"] == "OPERATOR"
    count = desk.farm.scalar("SELECT count(*) FROM resource_allocations WHERE NOT released")
    assert (count, desk.farm.cli("orphans", "--json").json) == (0, [])

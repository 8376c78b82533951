"""The host itself: started anew, or one that hides the processes of others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.matrix.row import CODE, Row, shows
from tests.support.ordinary import NOBODY, environment
from tests.support.processes import kill_hard
from tests.worker.farm import UNTIL_GO, Farm, Worker, go
from tests.worker.installation import Installation, brought_up

BOOT_ID = "/proc/sys/kernel/random/boot_id"
OTHER_BOOT = "11111111-2222-3333-4444-555555555555"
PYTHON = Path("/mnt")
"""Where an ordinary user finds our interpreter, which may lie where only root may look."""
ORDINARY = {**environment(), "LD_LIBRARY_PATH": str(PYTHON / "lib")}


@shows(
    "Host",
    fault="restarted while jobs run, some of which had just ended",
    sees="what ended before has its own outcome; the others say that the host was restarted",
    operator="start the worker again, which a service manager does; then `jobwarden resubmit ID` for what shall run",
    ends=("FAILED", "HOST_REBOOT"),
)
def test_the_host_is_restarted(farm: Farm, row: Row) -> None:
    first = farm.worker()
    running, _ = farm.submit_waiting("echo $$ > pid")
    ended, file = farm.submit_waiting(name="other")
    shims = [farm.started(job).process_id for job in (running, ended)]
    first.kill()
    go(file, CODE)
    farm.gone(shims[1])
    farm.kill_processes(shims[0], farm.number("pid"))
    worker = after_a_restart(farm)
    row.check(farm.ended(running))
    assert (farm.ended(ended).state, farm.ended(ended).exit_code) == ("FAILED", CODE)
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"
    assert worker.term() == 0


@shows(
    "Host",
    fault="restarted, and a stranger has the pid of a job from before",
    sees="the stranger is never signalled",
    operator="start the worker again, which a service manager does",
    ends=("FAILED", "HOST_REBOOT"),
)
def test_a_pid_from_before_the_restart_belongs_to_a_stranger(farm: Farm, row: Row) -> None:
    first = farm.worker()
    job, file = farm.submit_waiting("echo $$ > pid")
    shim, script = farm.started(job).process_id, farm.number("pid")
    first.kill()
    # Both live on: of another boot, so to the next worker they are strangers with a pid and a start time as stored,
    # and without the cookie, which no process of this boot has.
    farm.forge("UPDATE resource_allocations SET cookie = 'of the boot before' WHERE job_id = :job", job=job)
    worker = after_a_restart(farm)
    row.check(farm.ended(job))
    assert Path(f"/proc/{shim}").exists()
    assert Path(f"/proc/{script}").exists()
    go(file)
    farm.gone(shim)
    assert worker.term() == 0


@shows(
    "Host",
    fault="`/proc` is mounted with `hidepid=2`, and all runs as an ordinary user",
    sees="nothing: one's own processes are seen, and those of others are not needed",
    operator="`jobwarden up` after the worker was killed, as everywhere",
)
def test_proc_hides_the_processes_of_others(home: Path, tmp_path: Path, mark: str, row: Row) -> None:
    work = home / "work"
    work.mkdir()
    for folder in (home, work):
        os.chown(folder, NOBODY, NOBODY)
    command = hidden_proc(tmp_path)
    variables = {**ORDINARY, "HOME": str(work)}
    with brought_up(home, work, mark, command=command, variables=variables) as installation:
        check_survival(installation, work / "go", row)


def check_survival(installation: Installation, file: Path, row: Row) -> None:
    """A job outlives its worker, is flagged, adopted, and recorded; another is killed with its tree."""
    job = installation.submit(f"{UNTIL_GO}exit {CODE}", str(file))
    tree = installation.submit("setsid sleep 600 & exec sleep 600")
    for one in (job, tree):
        installation.until(one, "RUNNING")
    kill_hard(installation.worker["pid"])
    flagged = {one["job_id"]: one["kind"] for one in installation.cli("orphans", "--json").json}
    assert flagged == {job: "ORPHAN", tree: "ORPHAN"}
    assert installation.cli("up", "--no-tui").code == 0
    installation.online()
    assert installation.cli("kill", tree, "--yes").code == 0
    assert installation.ended(tree).failure_reason == "OPERATOR"
    file.touch()
    row.check(installation.ended(job))


def after_a_restart(farm: Farm) -> Worker:
    """A worker that reads another boot id; skips where none can be put there."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare(1)")
    boot = farm.work / "boot_id"
    boot.write_text(f"{OTHER_BOOT}\n")
    script = f'mount --bind "{boot}" {BOOT_ID} && exec "$@"'
    if subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    return farm.worker(prefix=("unshare", "-m", "sh", "-c", script, "sh"))


def hidden_proc(folder: Path) -> Path:
    """A ``jobwarden`` command that runs as an ordinary user and sees no process of others; skips where it cannot."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        pytest.skip("needs root, unshare(1) and setpriv(1)")
    python = f"{PYTHON}/bin/python{sys.version_info.major}.{sys.version_info.minor} -B"
    inside = (
        f'mount -t proc -o hidepid=2 proc /proc && mount --bind "{sys.base_prefix}" {PYTHON} && cd / &&'
        f' exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups {python} "$@"'
    )
    command = folder / "jobwarden"
    command.write_text(f"#!/bin/sh\nexec unshare -m sh -c '{inside}' sh -m jobwarden \"$@\"\n")
    command.chmod(0o755)
    probe = "import os, psycopg2, rq; assert not os.path.exists('/proc/1/stat')"
    tried = ["unshare", "-m", "sh", "-c", inside, "sh", "-c", probe]
    done = subprocess.run(tried, env=ORDINARY, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"an ordinary user with a /proc of its own cannot be had here: {done.stderr.strip()}")
    return command

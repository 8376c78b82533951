"""A job can be killed on its node while the database is away, and nobody can be made to kill anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobwarden.backend.process.identity import identify
from jobwarden.backend.process.identity_file import SIZE, KillOrder, read_identity, write_order
from tests.support.processes import wait_until
from tests.worker.farm import PATIENCE, UNTIL_GO, Farm, alive
from tests.worker.installation import Installation

HANG = 'trap "" TERM; sleep 1000 & echo $! > child; while :; do sleep 1; done'


def identity_of(folder: str) -> Path:
    return Path(folder) / "identity"


def events(farm: Farm, job: int) -> list[tuple[str, str, str]]:
    rows = farm.rows("SELECT actor, action, reason FROM events WHERE job_id = :job AND to_state = 'FAILED'", job=job)
    return [tuple(row) for row in rows]


@pytest.mark.attempt("kill a job while the database is down", fault=12)
def test_a_job_goes_on_because_the_database_is_away(installation: Installation) -> None:
    """The job relies on a database that cannot be asked; it is killed all the same, and recorded once it is back."""
    job = installation.submit(f"{UNTIL_GO}", str(installation.home / "never"))
    shim = installation.until(job, "RUNNING")["allocations"][0]["process_id"]
    installation.cli("down")
    offline = installation.cli("kill", job)
    assert offline.code != 0
    assert alive(shim)
    assert installation.cli("kill", "--local", job, "--dry-run").code == 0
    assert alive(shim)
    killed = installation.cli("kill", "--local", job, "--reason", "fills the disk")
    assert (killed.code, killed.err) == (0, ""), killed
    assert "FAILED is recorded when" in killed.out
    assert not alive(shim)
    again = installation.cli("kill", "--local", job)
    assert again.code == 0
    assert "nothing to do" in again.out
    assert installation.cli("up", "--no-tui").code == 0
    ended = installation.ended(job)
    assert (ended.state, ended.failure_reason) == ("FAILED", "OPERATOR")
    final = [event for event in ended.events if event["to_state"] == "FAILED"]
    assert len(final) == 1
    assert "(spool of node1)" in final[0]["actor"]
    assert final[0]["reason"] == "fills the disk (kill --local, from the spool of node1)"
    assert all(one["released"] for one in ended.allocations)


@pytest.mark.attempt("a live worker without database records an untrue end", fault=12)
def test_a_job_is_recorded_as_its_own_end_by_a_worker_that_was_not_asked(farm: Farm) -> None:
    """The worker sees only a job that ended; the order in the spool tells it by whom."""
    farm.worker()
    job = farm.submit(HANG)
    child = farm.number("child")
    farm.started(job)
    done = farm.cli(
        "kill", "--local", job, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", JOBWARDEN_KILL_GRACE_SECONDS="0.2"
    )
    assert done.code == 0, done
    farm.gone(child)
    assert (farm.ended(job).state, farm.job(job).failure_reason) == ("FAILED", "OPERATOR")
    [(actor, action, reason)] = events(farm, job)
    assert "(spool of node1)" in actor
    assert (action, reason) == ("kill", "killed (kill --local, from the spool of node1)")
    assert farm.scalar("SELECT count(*) FROM resource_allocations WHERE job_id = :job AND released", job=job) == 1


@pytest.mark.attempt("the clean-up of a lost job hides that it was killed", fault=12)
def test_an_order_is_lost_with_the_worker(farm: Farm) -> None:
    """No worker comes back: `clean` by another operator still records who killed it."""
    worker = farm.worker()
    job = farm.submit(HANG)
    farm.started(job)
    worker.kill()
    assert farm.cli("kill", "--local", job, "--reason", "why", JOBWARDEN_KILL_GRACE_SECONDS="0.2").code == 0
    wait_until(lambda: farm.cli("orphans", "--json").json, PATIENCE, "the anomaly")
    assert farm.cli("clean", job, "--yes").code == 0
    assert (farm.ended(job).state, farm.job(job).failure_reason) == ("FAILED", "OPERATOR")
    [(_, action, reason)] = events(farm, job)
    assert (action, reason) == ("kill", "why (kill --local, from the spool of node1)")


@pytest.mark.attempt("a job names a stranger as its supervisor", fault=12)
@pytest.mark.parametrize("with_mark", [False, True])
def test_a_job_has_a_stranger_killed(farm: Farm, with_mark: bool) -> None:
    """The job rewrites its identity so that an operator who kills it hits another process."""
    farm.worker()
    victim = farm.submit("sleep 1000", name="victim")
    started = farm.started(victim)
    pid = started.process_id
    job = farm.submit(HANG)
    folder = farm.started(job).spool_dir
    said = read_identity(folder)
    stranger = identify(pid)
    assert said is not None
    assert stranger is not None
    identity_of(folder).unlink()
    cookie = started.cookie if with_mark else said.cookie
    who = f"{stranger.pid} {stranger.start_ticks} {stranger.boot_id} {stranger.pid_namespace}"
    identity_of(folder).write_text(f"{said.job_id} {said.allocation_id} {cookie} {who}\n".ljust(SIZE))
    assert read_identity(folder) != said
    done = farm.cli("kill", "--local", job)
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "nothing was signalled" in done.err
    assert alive(pid)


@pytest.mark.attempt("a job puts something else in the place of its identity", fault=12)
@pytest.mark.parametrize("how", ["mkfifo", "mkdir", "ln -s /dev/zero", "printf '%8000d' 7 >", "printf '1 2 3\\377' >"])
def test_a_job_hangs_or_breaks_a_local_kill(farm: Farm, how: str) -> None:
    """What lies there is no identity: other jobs are killed all the same, this one ends as it would."""
    farm.worker()
    job = farm.submit(
        f'cd "$(dirname "$0")"; rm identity; {how} identity; echo 1 > "$1"; sleep 1000', str(farm.work / "r")
    )
    other = farm.submit(HANG)
    farm.number("r")
    pid = farm.started(other).process_id
    done = farm.cli("kill", "--local", job, other, "--yes", "--json", JOBWARDEN_KILL_GRACE_SECONDS="0.2")
    assert [result["changed"] for result in json.loads(done.out)] == [False, True], done
    farm.gone(pid)
    assert farm.ended(other).failure_reason == "OPERATOR"
    farm.end(job, "kill")
    assert farm.ended(job).failure_reason == "OPERATOR"


@pytest.mark.attempt("a job forges an order under another's name", fault=12)
def test_a_job_ends_in_the_name_of_somebody_else(farm: Farm) -> None:
    """It may end itself; the audit says that the name is from the spool, and an end before the order stays its own."""
    farm.worker()
    job, go = farm.submit_waiting()
    folder = farm.started(job).spool_dir
    write_order(folder, KillOrder("root@hq\n\x1b]52;c;x\x1b\\", 1, "evil\ntwo\x1b[0m"))
    go.write_text("3\n")
    assert (farm.ended(job).state, farm.job(job).failure_reason) == ("FAILED", "OPERATOR")
    [(actor, _, reason)] = events(farm, job)
    assert "(spool of node1)" in actor
    assert (actor + reason).isprintable()
    late, gone = farm.submit_waiting(name="late")
    folder = farm.started(late).spool_dir
    write_order(folder, KillOrder("root@hq", 2**62, "later"))
    gone.write_text("3\n")
    assert (farm.ended(late).failure_reason, farm.job(late).exit_code) == ("SCRIPT_ERROR", 3)


def test_a_filter_or_a_foreign_home_is_refused(farm: Farm) -> None:
    """Bad input: one line, and nothing is done."""
    filtered = farm.cli("kill", "--local", "state:running")
    assert (filtered.code, filtered.err.count("\n")) == (2, 1)
    unknown = farm.cli("kill", "--local", 4711)
    assert (unknown.code, unknown.out) == (1, "")
    assert "is not in the spool of this home" in unknown.err

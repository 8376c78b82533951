"""Every step of a job's life, visited by SIGKILL, a stall past the lease, an unforeseen error, a cut connection."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from jobwarden import backend
from jobwarden.backend.errors import InputError
from jobwarden.backend.faults import POINTS, SERVER_POINTS, _Armed
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Placement
from tests.support.processes import is_gone, wait_until
from tests.worker.farm import PATIENCE, Farm, Worker, go

WORKER_POINTS = sorted(POINTS.keys() - {"submit"})
WITH_CONNECTION = ["registered", "beat", "allocate", "claim", "commit-pid", "finish", "release", "adopt", "requeue"]
RAN = 'echo ran >> "ran-$JOBWARDEN_JOB_ID"'


def test_every_point_is_passed_somewhere_and_every_passing_is_a_known_point() -> None:
    """With the parametrised tests below: a new step that no test visits fails the suite."""
    passed: list[str] = []
    for file in Path(backend.__file__).parent.rglob("*.py"):
        passed += re.findall(r'\bpoint\("([^"]+)"', file.read_text())
    assert sorted(passed) == sorted(POINTS)
    server = "".join(file.read_text() for file in (Path(backend.__file__).parent / "process").glob("*.h"))
    assert sorted(re.findall(r'\bpoint\("([^"]+)"', server)) == sorted(SERVER_POINTS)


@pytest.mark.parametrize("text", ["nowhere:kill", "claim", "claim:explode", "claim:kill:x", ""])
def test_a_wrong_fault_is_bad_input(text: str) -> None:
    with pytest.raises(InputError, match="JOBWARDEN_FAULT"):
        _Armed(text)


class Scene:
    """Jobs whose lives pass every step: one that survives its worker, one put back, a quick one, one to be killed."""

    def __init__(self, farm: Farm) -> None:
        self.farm = farm
        first = farm.worker()
        self.survivor, self.go = farm.submit_waiting(RAN)
        farm.started(self.survivor)
        first.kill()
        self.put_back = farm.submit(RAN)
        with farm.engine.begin() as conn:
            assert machine.allocate(conn, [Placement(self.put_back, "node1", first.id)])
        self.quick = farm.submit(RAN)
        self.victim = farm.submit(f"{RAN}\ntrap '' TERM\nwhile :; do sleep 1; done")
        self.asked = False

    def play(self) -> None:
        """What users and operators do meanwhile: ask for the end of the victim, let the survivor end."""
        if not self.asked and self.farm.job(self.victim).start_time is not None:
            with self.farm.engine.begin() as conn:
                self.asked = bool(machine.request_end(conn, [self.victim], "kill", "op@desk", "test"))
        if self.farm.allocation(self.survivor).worker_id != self.farm.all[0].id and not self.go.exists():
            go(self.go, 5)

    def play_until_over(self) -> None:
        jobs = (self.survivor, self.put_back, self.quick, self.victim)

        def over() -> bool:
            self.play()
            return all(self.farm.job(job).state in ("COMPLETED", "FAILED", "CANCELLED") for job in jobs)

        wait_until(over, PATIENCE, f"the end of the scene\n{[self.farm.job(job) for job in jobs]}")

    def check(self, failed_by: str | None = None) -> None:
        """Nothing lost, nothing run twice, nothing leaked, and the truth recorded.

        ``failed_by``: the error of ours that one of the jobs may have failed with.
        """
        outcome = {job: self.farm.ended(job) for job in (self.survivor, self.put_back, self.quick, self.victim)}
        expected = dict(
            zip(
                outcome,
                [
                    ("FAILED", 5, "SCRIPT_ERROR"),
                    ("COMPLETED", 0, None),
                    ("COMPLETED", 0, None),
                    ("FAILED", None, "OPERATOR"),
                ],
                strict=True,
            )
        )
        failed = [job for job, row in outcome.items() if failed_by is not None and failed_by in (row.error_msg or "")]
        assert len(failed) <= 1
        for job in failed:
            expected[job] = ("FAILED", None, "LAUNCH_ERROR")
        found = {job: (row.state, row.exit_code, row.failure_reason) for job, row in outcome.items()}
        assert found == expected
        for job in {self.survivor, self.put_back, self.quick} - {*failed}:
            assert (self.farm.work / f"ran-{job}").read_text() == "ran\n", self.farm.events(job)
        killed = self.farm.work / f"ran-{self.victim}"  # it may have been asked for before its gate opened
        # Killed between the opening of the file and its line, it leaves an empty one; two lines it never leaves.
        assert not killed.exists() or killed.read_text() in ("", "ran\n")
        assert self.farm.scalar("SELECT count(*) FROM resource_allocations WHERE NOT released") == 0
        assert self.farm.scalar("SELECT sum(cpus_allocated) FROM nodes") == 0
        shims = self.farm.rows("SELECT process_id FROM resource_allocations WHERE process_id IS NOT NULL")
        self.farm.gone(*(row[0] for row in shims))


def faulty_worker(farm: Farm, scene: Scene, fault: str, mark: str) -> Worker:
    """A worker that meets its fault; returns once it has."""
    worker = farm.launch(JOBWARDEN_FAULT=fault)
    stat = Path(f"/proc/{worker.pid}/stat")

    def met() -> bool:
        scene.play()
        return stat.read_text().rpartition(") ")[2].startswith(mark)

    wait_until(met, PATIENCE, f"{fault} to happen; the worker said\n{worker.said}")
    return worker


def states(farm: Farm, pid: int | None = None) -> set[str]:
    """What `jobwarden workers` says of the workers, or of the one with ``pid``."""
    rows = farm.cli("workers", "--json", JOBWARDEN_LEASE_SECONDS="600").json  # the lease is the worker's, not ours
    return {row["state"] for row in rows if pid in (None, row["pid"])}


@pytest.mark.slow
@pytest.mark.parametrize("point", WORKER_POINTS)
def test_killed_at(farm: Farm, point: str) -> None:
    scene = Scene(farm)
    worker = faulty_worker(farm, scene, f"{point}:kill", "Z")
    assert worker.wait() == -signal.SIGKILL
    farm.worker()
    scene.play_until_over()
    scene.check()


@pytest.mark.slow
@pytest.mark.parametrize("point", WORKER_POINTS)
def test_stalled_past_its_lease_at(farm: Farm, point: str) -> None:
    scene = Scene(farm)
    worker = faulty_worker(farm, scene, f"{point}:stop", "T")
    dead = "SELECT max(heartbeat_at) < clock_timestamp() - interval '3 seconds' FROM workers"
    wait_until(lambda: bool(farm.scalar(dead)), PATIENCE, "the lease to end")
    assert states(farm) == {"DEAD"}
    os.kill(worker.pid, signal.SIGCONT)
    scene.play_until_over()
    scene.check()
    wait_until(lambda: states(farm, worker.pid) == {"ONLINE"}, PATIENCE, "the worker to be back")


@pytest.mark.slow
@pytest.mark.parametrize("point", sorted({*WORKER_POINTS} - {"registered", "beat"}))
def test_an_unforeseen_error_stays_with_its_job_at(farm: Farm, point: str) -> None:
    """No thread ends, no worker ends; every job ends as it would have, or fails and says why."""
    scene = Scene(farm)
    worker = farm.launch(JOBWARDEN_FAULT=f"{point}:fail")
    scene.play_until_over()
    assert worker.process.poll() is None, worker.said
    assert re.search(r"CRITICAL .*: (the worker goes|it fails)", worker.said)
    assert "RuntimeError: a fault for a test" in worker.said
    scene.check(failed_by="a fault for a test" if point == "spawn" else None)
    assert not farm.scalar("SELECT bool_or(drained) FROM nodes")
    later = farm.submit(RAN)
    assert farm.ended(later).state == "COMPLETED", "every thread of the worker still works"


@pytest.mark.slow
def test_an_unforeseen_error_in_watching_does_not_end_a_job_that_is_well(farm: Farm) -> None:
    """It is flagged, looked after again, and runs on."""
    worker = farm.worker(JOBWARDEN_FAULT="watch:fail")
    job, file = farm.submit_waiting(RAN)
    shim = farm.started(job).process_id
    wait_until(lambda: "unstuck" in farm.events(job), PATIENCE, "the worker to look after it again")
    assert farm.events(job).count("stuck") == 1
    assert not farm.scalar("SELECT bool_or(drained) FROM nodes")
    assert (farm.job(job).state, is_gone(shim)) == ("RUNNING", False)
    assert farm.allocation(job).stuck is None
    go(file, 4)
    assert farm.ended(job).exit_code == 4
    assert worker.process.poll() is None


@pytest.mark.slow
def test_an_unforeseen_error_of_the_worker_itself_ends_it_and_not_its_jobs(farm: Farm) -> None:
    """A thread that is about no job never dies alone and leaves a worker that looks alive and does not work."""
    scene = Scene(farm)
    worker = faulty_worker(farm, scene, "beat:fail", "Z")
    assert worker.wait() == 1
    assert re.search(r"CRITICAL .*internal error in .*\n(.*\n)*RuntimeError: a fault for a test", worker.said)
    assert states(farm) == {"DEAD"}
    farm.worker()
    scene.play_until_over()
    scene.check()


@pytest.mark.slow
@pytest.mark.parametrize("point", WITH_CONNECTION)
def test_connection_cut_at(farm: Farm, point: str) -> None:
    scene = Scene(farm)
    worker = farm.launch(JOBWARDEN_FAULT=f"{point}:cut")
    scene.play_until_over()
    scene.check()
    assert worker.process.poll() is None
    assert "Traceback" not in worker.said
    assert re.search(r"database|postponed|connection|SSL|server closed", worker.said), worker.said


@pytest.mark.parametrize("action", ["kill", "cut"])
def test_a_submission_that_fails_before_its_commit_leaves_no_job(farm: Farm, action: str) -> None:
    script = farm.work / "job.sh"
    script.write_text("exit 0\n")
    done = farm.cli("submit", script, JOBWARDEN_FAULT=f"submit:{action}")
    assert (done.code != 0, done.out) == (True, "")
    assert farm.scalar("SELECT count(*) FROM jobs") == 0
    assert "Traceback" not in done.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "action"), [*((point, "kill") for point in sorted(SERVER_POINTS)), ("launch-forked", "stop")]
)
def test_the_launch_server_is_lost_at(farm: Farm, point: str, action: str) -> None:
    """Killed, or hung until its worker has had enough of it: that worker goes on with another one. What it is like to
    lose it hung at each of these is in tests/process/test_launch_server.py."""
    scene = Scene(farm)
    worker = farm.launch(JOBWARDEN_FAULT=f"{point}:{action}")

    def lost() -> bool:
        scene.play()
        return "the launch server is gone" in worker.said

    wait_until(lost, 2 * PATIENCE, f"{point}:{action} to happen; the worker said\n{worker.said}")
    scene.play_until_over()
    scene.check()
    assert not is_gone(worker.pid)

"""Every kind of anomaly, seen in real processes."""

import dataclasses
import time

import pytest

from jobwarden.backend.anomalies import detect, strays
from jobwarden.backend.anomalies.attempts import BY_ID, SUSPECT, Attempt, read_attempts
from jobwarden.backend.anomalies.evidence import GONE, UNKNOWN, Evidence
from jobwarden.backend.domain.states import AnomalyKind, JobState
from jobwarden.backend.process.identity import Liveness
from jobwarden.backend.queries.models.jobs import AnomalyRow
from tests.support.processes import is_gone, wait_until
from tests.support.scene import Scene


@pytest.fixture(autouse=True)
def scan_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call looks for strays anew."""
    monkeypatch.setattr(strays, "SCAN_SECONDS", 0.0)


def found(stage: Scene) -> dict[int, AnomalyRow]:
    with stage.engine.connect() as conn:
        return {row.job_id: row for row in detect.find(conn, stage.settings)}


def test_a_healthy_system_has_none(stage: Scene) -> None:
    worker = stage.worker(alive=True)
    stage.run(worker)
    stage.allocate(worker)
    assert found(stage) == {}


def test_orphan_names_pid_and_command(stage: Scene) -> None:
    job = stage.run(stage.worker(), name="training")
    row = found(stage)[job.id]
    assert (row.kind, row.process_id, row.node_name, row.job_name) == ("ORPHAN", job.pid, "node1", "training")
    assert f"job_{job.id}.sh" in row.cmdline
    assert "is dead" in row.detail
    assert str(job.pid) in row.detail


def test_orphan_whose_supervisor_was_killed_is_found_by_its_cookie(stage: Scene) -> None:
    job = stage.run(stage.worker(), "echo pid $$\nexec sleep 600\n")
    job.said("pid ")
    job.kill_supervisor()
    row = found(stage)[job.id]
    assert row.kind is AnomalyKind.ORPHAN
    assert row.process_id != job.pid
    assert row.process_id is not None
    assert not is_gone(row.process_id)


def test_orphan_whose_script_ended_but_left_a_daemon(stage: Scene) -> None:
    job = stage.run(stage.worker(), "setsid sleep 600 &\nexit 3\n")
    job.has_record()
    row = found(stage)[job.id]
    assert row.kind is AnomalyKind.ORPHAN
    assert "exit code 3" in row.detail


def test_lost(stage: Scene) -> None:
    job = stage.run(stage.worker(), "kill -9 $PPID; exec true\n")
    job.ended()
    wait_until(lambda: found(stage)[job.id].kind is AnomalyKind.LOST)
    assert "no exit status" in found(stage)[job.id].detail


def test_lost_before_it_started(stage: Scene) -> None:
    job_id, _ = stage.allocate(stage.worker())
    row = found(stage)[job_id]
    assert (row.kind, row.process_id) == (AnomalyKind.LOST, None)
    assert "never started" in row.detail


def test_unrecorded(stage: Scene) -> None:
    job = stage.run(stage.worker(), "exit 7\n")
    job.ended()
    row = found(stage)[job.id]
    assert row.kind is AnomalyKind.UNRECORDED
    assert "exit code 7" in row.detail


@pytest.mark.parametrize("alive", [True, False])
def test_stray_with_the_allocation_kept_or_released(stage: Scene, alive: bool) -> None:
    worker = stage.worker(alive=alive)
    kept, released = stage.finished(worker), stage.finished(worker)
    stage.execute("UPDATE resource_allocations SET released = true WHERE job_id = :id", id=released.id)
    rows = found(stage)
    assert {rows[kept.id].kind, rows[released.id].kind} == {AnomalyKind.STRAY}
    assert rows[released.id].process_id == released.pid


def test_leaked(stage: Scene) -> None:
    job = stage.finished(stage.worker(), script="exit 0\n")
    job.ended()
    assert found(stage)[job.id].kind is AnomalyKind.LEAKED


def test_overdue_only_beyond_what_its_worker_may_take(stage: Scene) -> None:
    worker = stage.worker(alive=True)
    late, just_over = stage.run(worker, time_limit=60), stage.run(worker, time_limit=60)
    for job, seconds in ((late, 40), (just_over, 5)):
        stage.overrun(job.id, seconds)
    assert {job_id: row.kind for job_id, row in found(stage).items()} == {late.id: AnomalyKind.OVERDUE}


def test_another_host_is_unreachable_and_never_guessed(stage: Scene) -> None:
    worker = stage.worker(machine_id="elsewhere", boot_id="another")
    job = stage.run(worker, boot_id="another")
    row = found(stage)[job.id]
    assert row.kind is AnomalyKind.UNREACHABLE
    assert row.cmdline == ""


def test_rebooted_host(stage: Scene) -> None:
    job = stage.run(stage.worker(), boot_id="before")
    row = found(stage)[job.id]
    assert row.kind is AnomalyKind.LOST
    assert "restarted" in row.detail


def test_another_pid_namespace_is_not_taken_for_gone(stage: Scene) -> None:
    job = stage.run(stage.worker(), pid_namespace=1)
    assert found(stage)[job.id].kind is AnomalyKind.UNREACHABLE


def test_flagged_stuck(stage: Scene) -> None:
    job = stage.run(stage.worker(alive=True))
    stage.execute("UPDATE resource_allocations SET stuck = 'pid 5 state D' WHERE job_id = :id", id=job.id)
    row = found(stage)[job.id]
    assert row.kind is AnomalyKind.STUCK
    assert "pid 5 state D" in row.detail


def test_worst_first(stage: Scene) -> None:
    dead = stage.worker()
    leaked, orphan = stage.finished(dead, script="exit 0\n"), stage.run(dead)
    leaked.ended()
    assert list(found(stage)) == [orphan.id, leaked.id]


def test_processes_of_another_installation_are_none_of_ours(stage: Scene) -> None:
    job = stage.run(stage.worker(alive=True), cookie="another")
    stage.execute("UPDATE jobs SET state = 'FAILED' WHERE id = :id", id=job.id)
    stage.execute("UPDATE resource_allocations SET released = true WHERE job_id = :id", id=job.id)
    assert found(stage) == {}


ATTEMPT = Attempt(
    1, 1, "j", JobState.RUNNING, "/", "n", 1, "c", 5, 5, "b", 1, "/s", None, False, None, "m", "h", over_limit=0,
    asked_ago=0, node_drained=False,
)  # fmt: skip
ALIVE = Evidence(Liveness.ALIVE, (5,))


@pytest.mark.parametrize(
    ("state", "released", "evidence", "dead", "kind"),
    [
        ("RUNNING", False, ALIVE, False, None),
        ("RUNNING", False, GONE, False, None),
        ("RUNNING", False, UNKNOWN, False, None),
        ("RUNNING", False, dataclasses.replace(ALIVE, unkillable=(5,)), True, "STUCK"),
        ("COMPLETED", False, dataclasses.replace(ALIVE, unkillable=(5,)), False, "STUCK"),
        ("COMPLETED", True, ALIVE, False, "STRAY"),
        ("COMPLETED", True, GONE, True, None),
        ("COMPLETED", False, UNKNOWN, True, "UNREACHABLE"),
        ("COMPLETED", False, UNKNOWN, False, None),
    ],
)
def test_classification(state: str, released: bool, evidence: Evidence, dead: bool, kind: str | None) -> None:
    attempt = dataclasses.replace(ATTEMPT, state=JobState(state), released=released)
    assert detect.classify(attempt, evidence, worker_dead=dead, slack=10) == kind


def test_healthy_jobs_are_not_even_read(stage: Scene) -> None:
    """What makes it cheap: the healthy never leave the database."""
    worker = stage.worker(alive=True)
    stage.run(worker)
    with stage.engine.connect() as conn:
        assert read_attempts(conn, SUSPECT, dead=[], slack=10.0) == []
        assert len(read_attempts(conn, BY_ID, ids=[1])) == 1


def test_the_scan_for_strays_is_rationed(monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[float] = []
    monkeypatch.setattr(strays, "SCAN_SECONDS", 1000.0)

    def scan() -> dict[str, list[int]]:
        scans.append(time.monotonic())
        return {}

    monkeypatch.setattr(strays, "cookie_index", scan)
    scanner = strays.Scanner()
    assert scanner.cookies() == scanner.cookies() == {}
    assert len(scans) == 1

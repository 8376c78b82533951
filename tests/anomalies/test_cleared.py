"""Each kind of anomaly, made for real, is seen, foretold by a dry run that writes nothing, and cleared either way."""

import json
from collections.abc import Callable

import pytest

from jobwarden.backend.actions.client import Operator
from jobwarden.backend.actions.results import ItemResult, Plan
from jobwarden.backend.actions.targets import ActionRequest, Scope
from jobwarden.backend.anomalies.detect import find
from jobwarden.backend.anomalies.strays import Scanner
from jobwarden.backend.domain.states import AnomalyKind, JobState
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Outcome
from tests.support.anomalies import MAKE, stuck
from tests.support.cli import Cli
from tests.support.fingerprint import fingerprint
from tests.support.processes import is_gone
from tests.support.scene import Running, Scene

Clean = Callable[[tuple[int, ...]], list[ItemResult]]
CLEARED = {
    AnomalyKind.ORPHAN: ("FAILED (OPERATOR), released", "FAILED"),
    AnomalyKind.LOST: ("FAILED (WORKER_LOST), released", "FAILED"),
    AnomalyKind.UNRECORDED: ("FAILED (SCRIPT_ERROR), released", "FAILED"),
    AnomalyKind.STRAY: ("ended the processes that outlived it, released", "FAILED"),
    AnomalyKind.LEAKED: ("released", "FAILED"),
}
"""Kinds that clean-up clears by itself: the result's words, the state afterwards."""


@pytest.fixture(params=["the dashboard", "jobwarden clean"])
def clean(request: pytest.FixtureRequest, stage: Scene, cli: Cli) -> Clean:
    """Clean-up as the dashboard does it, and as the command line does it."""
    if request.param == "the dashboard":
        return lambda ids: Operator(stage.settings).perform(ActionRequest("clean", Scope(ids), "test"))
    return lambda ids: by_command(cli, *ids)


def by_command(cli: Cli, *ids: int) -> list[ItemResult]:
    rows = cli("clean", *ids, "--json", JOBWARDEN_KILL_GRACE_SECONDS="1").json
    return [ItemResult(**{**row, "undo": None}) for row in rows]


def kinds(stage: Scene) -> dict[int, AnomalyKind]:
    with stage.engine.connect() as conn:
        return {row.job_id: row.kind for row in find(conn, stage.settings, Scanner())}


def foretold(stage: Scene, *ids: int) -> Plan:
    return Operator(stage.settings).plan(ActionRequest("clean", Scope(ids)))


@pytest.mark.parametrize("kind", CLEARED)
def test_cleared_at_once(stage: Scene, clean: Clean, kind: AnomalyKind) -> None:
    job = MAKE[kind](stage)
    assert kinds(stage) == {job.id: kind}
    before = fingerprint(stage.engine)
    [victim] = foretold(stage, job.id).eligible
    assert fingerprint(stage.engine) == before
    message, state = CLEARED[kind]
    assert victim.outcome == message
    assert clean((job.id,)) == [ItemResult(job.id, True, True, message)]
    assert kinds(stage) == {}
    assert (stage.state(job.id), stage.held_allocations()) == (state, 0)
    assert is_gone(job.pid)
    assert_nothing_more_happens(stage, clean, job)


def assert_nothing_more_happens(stage: Scene, clean: Clean, job: Running) -> None:
    before = fingerprint(stage.engine)
    assert clean((job.id,)) == [ItemResult(job.id, True, False, "is not an anomaly: nothing to do")]
    assert fingerprint(stage.engine) == before


def test_overdue_is_cleared_by_its_worker_once_asked(stage: Scene, clean: Clean) -> None:
    job = MAKE[AnomalyKind.OVERDUE](stage)
    assert kinds(stage) == {job.id: AnomalyKind.OVERDUE}
    expected = ItemResult(job.id, True, True, "asked the worker of node1 to end it")
    assert [victim.outcome for victim in foretold(stage, job.id).eligible] == [expected.message]
    assert clean((job.id,)) == [expected]
    asked_before = ItemResult(job.id, True, False, "its worker has already been asked to end it")
    assert foretold(stage, job.id).ineligible == [(job.id, asked_before.message)]
    assert clean((job.id,)) == [asked_before]
    job.kill_supervisor()
    with stage.engine.begin() as conn:
        outcome = Outcome(job.allocation_id, job.id, JobState.FAILED)
        machine.finish(conn, [outcome], "worker:node1", "kill")
    stage.kill_marked()
    assert kinds(stage) == {}


def test_unreachable_is_cleared_only_by_force(stage: Scene, clean: Clean) -> None:
    job = MAKE[AnomalyKind.UNREACHABLE](stage)
    assert kinds(stage) == {job.id: AnomalyKind.UNREACHABLE}
    before = fingerprint(stage.engine)
    [result] = clean((job.id,))
    assert foretold(stage, job.id).ineligible == [(job.id, result.message)]
    assert (result.ok, result.changed, "host host" in result.message) == (False, False, True)
    assert fingerprint(stage.engine) == before
    assert not is_gone(job.pid)


def test_the_typed_override_clears_unreachable(stage: Scene, cli: Cli) -> None:
    job = MAKE[AnomalyKind.UNREACHABLE](stage)
    for verb in ("mark-failed", "release"):
        assert cli(verb, job.id).code == 1
        assert cli(verb, job.id, "--force", "--reason", "scrapped").code == 0
    assert kinds(stage) == {}


def test_stuck_drains_its_node_once_and_is_cleared_when_it_can_die(stage: Scene, clean: Clean) -> None:
    with stuck(stage) as job:
        assert kinds(stage) == {job.id: AnomalyKind.STUCK}
        plan = foretold(stage, job.id)
        [first] = clean((job.id,))
        assert [victim.outcome for victim in plan.eligible] == [first.message]
        assert (first.ok, first.changed) == (False, True)
        assert "cannot be ended, node node1 is drained: script pid" in first.message
        assert stage.execute("SELECT drained FROM nodes")
        before = fingerprint(stage.engine)
        [again] = clean((job.id,))
        assert foretold(stage, job.id).ineligible == [(job.id, again.message)]
        assert (again.ok, again.changed) == (False, False)
        assert fingerprint(stage.engine) == before
        assert (stage.state(job.id), stage.held_allocations()) == ("RUNNING", 1)
    stage.kill_marked()
    assert clean((job.id,))[0].changed
    assert kinds(stage) == {}


def test_a_dry_run_of_everything_foretells_everything(stage: Scene, cli: Cli) -> None:
    """All kinds at once: same jobs, same words, and not a bit of the database differs after the dry run."""
    jobs = [make(stage) for make in MAKE.values()]
    with stuck(stage) as one_more:
        ids = {job.id for job in [*jobs, one_more]}
        assert set(kinds(stage).values()) == set(AnomalyKind)
        before = fingerprint(stage.engine)
        dry = cli("clean", "--dry-run", "--json")
        assert fingerprint(stage.engine) == before
        done = cli("clean", "--json", JOBWARDEN_KILL_GRACE_SECONDS="1")
    said = {row["job_id"]: (row["would_change"], row["message"]) for row in dry.json}
    assert said == {row["job_id"]: (row["changed"], row["message"]) for row in done.json}
    assert set(said) == ids
    assert (dry.code, done.code) == (0, 1)


def test_evidence_in_a_listing_is_whole(stage: Scene, cli: Cli) -> None:
    job = MAKE[AnomalyKind.ORPHAN](stage)
    job.said("up")
    [row] = cli("clean", "--dry-run", "--json").json
    assert row["command"] == "sleep 600"
    [listed] = json.loads(cli("orphans", "--json").out)
    assert row["process_id"] == listed["process_id"] == job.pid, "one pid for one job"
    [script] = row["processes"]
    assert (script["command"], script["pid"] != job.pid) == ("sleep 600", True)
    assert f"supervisor pid {job.pid} alive" in listed["detail"]
    assert f"supervisor pid {job.pid}, script pid {script['pid']}" in cli("clean", "--dry-run").out


def test_without_its_supervisor_a_job_is_named_by_its_script(stage: Scene, cli: Cli) -> None:
    job = MAKE[AnomalyKind.ORPHAN](stage)
    job.said("up")
    job.kill_supervisor()
    [row], [listed] = cli("clean", "--dry-run", "--json").json, cli("orphans", "--json").json
    assert row["process_id"] == listed["process_id"] == row["processes"][0]["pid"] != job.pid
    assert f"; script pid {row['process_id']} alive" in listed["detail"]
    assert f"script pid {row['process_id']}" in cli("clean", "--dry-run").out

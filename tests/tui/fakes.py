"""A read model and actions that say what a test tells them, at a time that stands still."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jobwarden.backend.actions.client import NodeSummary
from jobwarden.backend.actions.nodes import NodeResult
from jobwarden.backend.actions.results import Cancelled, ItemResult, Plan, Progress, Step, Undo, Victim
from jobwarden.backend.actions.targets import ActionRequest, Scope
from jobwarden.backend.domain.states import AnomalyKind, FailureReason, JobState, WorkerState
from jobwarden.backend.feeds.jobs import DetailView
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.logs.view import LogView
from jobwarden.backend.queries.job_window import JobWindow
from jobwarden.backend.queries.jobs import compile_filter
from jobwarden.backend.queries.models.job_window import Hold
from jobwarden.backend.queries.models.jobs import AllocationRow, AnomalyRow, EventRow, JobDetail, JobRow, WorkerRow
from jobwarden.backend.queries.models.pages import Wanted, Words
from jobwarden.backend.queries.models.snapshot import Capacity, Health, Link, Snapshot
from jobwarden.backend.queries.models.sort import NEWEST, Order
from jobwarden.tui.app.main import JobwardenApp
from jobwarden.tui.config.state import State

NOW = datetime(2026, 3, 14, 3, 0, 0, tzinfo=UTC)
NAMES = ("train-resnet", "preprocess", "nightly-etl", "render", "[bold]x[/bold]", "日本語ジョブ")
UNDOES = {"hold": Undo("unhold"), "unhold": Undo("hold"), "priority": Undo("priority", 7)}
STATES = (JobState.PENDING, JobState.RUNNING, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


def job(job_id: int, state: JobState = JobState.RUNNING, **changes: Any) -> JobRow:
    """A job that was submitted ``1000 - job_id`` minutes ago."""
    submitted = NOW - timedelta(minutes=max(1, 1000 - job_id))
    began = submitted + timedelta(seconds=5) if state is not JobState.PENDING else None
    row = JobRow(
        id=job_id, name=f"{NAMES[job_id % len(NAMES)]}-{job_id}", account="alice", partition="main", state=state,
        held=False, priority=0, cpus=2, memory_mb=1536, gpus=0, time_limit=3600, submit_time=submitted,
        start_time=began, end_time=began + timedelta(seconds=42) if began and state.final else None,
        exit_code=3 if state is JobState.FAILED else None, exit_signal=None,
        failure_reason=FailureReason.SCRIPT_ERROR if state is JobState.FAILED else None, error_msg=None,
        node_name="alpha" if began else None, process_id=4000 + job_id if state is JobState.RUNNING else None,
        allocation_id=job_id if state is JobState.RUNNING else None, spool_dir="/spool" if began else None,
    )  # fmt: skip
    return replace(row, **changes)


def jobs(highest: int, number: int) -> tuple[JobRow, ...]:
    """Jobs of all states, newest first."""
    return tuple(job(job_id, STATES[job_id % len(STATES)]) for job_id in range(highest, highest - number, -1))


def window(rows: Sequence[JobRow], **changes: Any) -> JobWindow:
    """A whole list."""
    return replace(JobWindow(rows=tuple(rows), total=len(rows), loaded=True), **changes)


def worker(worker_id: int = 1, node: str = "alpha", state: WorkerState = WorkerState.ONLINE) -> WorkerRow:
    return WorkerRow(
        id=worker_id, node_name=node, hostname=node, pid=100 + worker_id, state=state, cpus=8, cpus_allocated=5,
        memory_mb=16384, memory_mb_allocated=6144, gpus=0, gpus_allocated=0, heartbeat_at=NOW, lease_age=0.5,
        drained=False, drain_reason=None, boot_id="b", process_start=1, pid_namespace=1, machine_id="m", spool="/s",
        running_jobs=2, started_at=NOW, ended_at=None, end_reason=None,
    )  # fmt: skip


def orphan(job_id: int) -> AnomalyRow:
    return AnomalyRow(
        job_id, AnomalyKind.ORPHAN, "beta", 4000 + job_id, f"its worker is dead, process {4000 + job_id} runs",
        f"render-{job_id}", job_id, f"/bin/sh /spool/{job_id}/job_{job_id}.sh",
    )  # fmt: skip


def snapshot(**changes: Any) -> Snapshot:
    """A system in good health."""
    counts = {state: 10 * number for number, state in enumerate(JobState)}
    good = Snapshot(
        number=1, link=Link.LIVE, database=Health(True, 1.0), redis=Health(True, 1.0), taken_at=NOW,
        workers=(worker(),), counts=counts, capacity=Capacity(8, 5, 16384, 6144, 0, 0, True),
    )  # fmt: skip
    return replace(good, **changes)


def incident(*job_ids: int) -> Snapshot:
    """A dead worker and its orphans."""
    dead = worker(2, "beta", WorkerState.DEAD)
    return snapshot(workers=(worker(), dead), anomalies=tuple(orphan(job_id) for job_id in job_ids))


def detail(row: JobRow) -> JobDetail:
    """A job with one attempt and its history."""
    attempt = AllocationRow(
        row.id, row.id, "beta", 2, 2, 1536, 0, row.submit_time, 4000 + row.id, 1, "b", 1, "/spool", False, None
    )
    history = (
        EventRow(1, row.submit_time, row.id, "alice@build", "submit", None, JobState.PENDING, None),
        EventRow(2, row.submit_time, row.id, "scheduler", "allocate", JobState.PENDING, JobState.RUNNING, None),
    )
    return JobDetail(
        row, "#!/bin/sh\necho '[red]hello[/red]'\n", ("a b",), "/data", {"K": "v"}, None, (attempt,), history
    )


def _victim(job_id: int, name: str, command: str) -> Victim:
    pid = 4000 + job_id
    named = f"supervisor pid {pid}, script pid {pid + 1}"
    return Victim(job_id, f"render-{job_id}", "beta", pid, command, f"{name} it", named=named)


class FakeSource:
    """Delivers what it is told to and remembers what it was asked."""

    def __init__(self, deliver: Callable[[News], None]) -> None:
        self.deliver = deliver
        self.asked: list[tuple[str, object]] = []
        self.details: dict[int, JobDetail] = {}
        self.answers: dict[Wanted, News] = {}
        self.log = LogView()
        self.silent = False
        """Whether it lets one wait for another list."""

    def start(self) -> None:
        self.asked.append(("start", None))

    def stop(self) -> None:
        self.asked.append(("stop", None))

    def show(self, filter_text: str, order: Order = NEWEST) -> None:
        query = compile_filter(filter_text, order)
        self.asked.append(("show", filter_text) if order == NEWEST else ("order", (filter_text, order)))
        if not self.silent:
            self.deliver(window((), query=query))

    def hold(self, hold: Hold) -> None:
        self.asked.append(("hold", hold))

    def words(self) -> None:
        self.asked.append(("words", None))
        self.deliver(Words(("alice", "bob"), ("alpha", "gpu1", "gpu2"), ("main",)))

    def look(self, first: int, last: int) -> None:
        self.asked.append(("look", (first, last)))

    def watch(self, job_id: int | None) -> None:
        self.asked.append(("watch", job_id))
        if job_id is not None:
            self.deliver(DetailView(job_id, self.details.get(job_id)))

    def want(self, wanted: Sequence[Wanted]) -> None:
        self.asked.append(("want", tuple(wanted)))
        for question in wanted:
            if question in self.answers:
                self.deliver(self.answers[question])

    def follow(self, job: JobRow | None) -> None:
        self.asked.append(("follow", job.id if job else None))
        if job is not None:
            self.deliver(replace(self.log, job_id=job.id))


class FakeActionClient:
    """Finds every job eligible but those told; remembers what was performed."""

    def __init__(self) -> None:
        self.performed: list[tuple[str, tuple[int, ...], str | None]] = []
        self.values: list[int | None] = []
        self.scopes: list[Scope] = []
        self.refused: dict[int, str] = {}
        self.alive: set[int] = set()
        """Jobs that evidence protects."""
        self.forced: list[bool] = []
        self.matching: tuple[int, ...] = ()
        self.drained: dict[str, bool] = {}
        self.gate = threading.Event()
        """Closed (cleared) by a test that wants an action to take its time."""
        self.gate.set()

    def plan(self, request: ActionRequest) -> Plan:
        name, targets, force = request.action, request.scope, request.force
        self.scopes.append(targets)
        plan = Plan()
        for job_id in targets.ids or self.matching:
            if job_id in self.alive and not force:
                plan.ineligible.append((job_id, "may be alive on host far: act there, or use force"))
                plan.protected.append(job_id)
            elif job_id in self.refused:
                plan.ineligible.append((job_id, self.refused[job_id]))
            else:
                command = f"/bin/sh /spool/{job_id}/job_{job_id}.sh --epochs 10"
                plan.eligible.append(_victim(job_id, name, command))
        return plan

    def perform(
        self, request: ActionRequest, progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> list[ItemResult]:
        name, targets = request.action, request.scope
        self.performed.append((name, targets.ids, request.reason))
        self.forced.append(request.force)
        self.scopes.append(targets)
        self.values.append(request.value)
        results: list[ItemResult] = []
        for job_id in targets.ids:
            if progress is not None:
                progress(Step(len(results), len(targets.ids), None, f"job {job_id}"))
            for _ in range(2000):  # a test that has failed must not wait for ever
                if self.gate.wait(0.01) or (cancelled is not None and cancelled()):
                    break
            if cancelled is not None and cancelled():
                results.append(ItemResult(job_id, False, False, "was not done"))
            else:
                results.append(ItemResult(job_id, job_id % 2 == 0, True, f"{name}: done", UNDOES.get(name)))
        return results

    def nodes(self, names: Sequence[str]) -> list[NodeSummary]:
        return [NodeSummary(name, self.drained[name], 2, "ONLINE") for name in names if name in self.drained]

    def set_drain(self, name: str, drained: bool, reason: str | None) -> NodeResult:
        changed, self.drained[name] = self.drained[name] is not drained, drained
        self.performed.append(("drain" if drained else "resume", (), reason))
        return NodeResult(name, changed, f"node {name} {'drained' if drained else 'takes jobs'}", not drained, "was so")


class Screen:
    """A dashboard over fakes, for run_test()."""

    def __init__(self, *, read_only: bool = False, state: State | None = None) -> None:
        self.client = FakeActionClient()
        self.app = JobwardenApp(self._make, self.client, lambda: NOW, read_only=read_only, state=state)

    def _make(self, deliver: Callable[[News], None]) -> FakeSource:
        self.source = FakeSource(deliver)
        return self.source
